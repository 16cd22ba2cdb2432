// The parts of a unit-test file, each read from its YAML.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/unit_test/unit_test_file.h"

namespace tocsin::unit_test {

inline Place PlaceOf(const YamlNode& node) { return {node.line(), node.column()}; }

// Every element of the list `field`.
template <typename T>
Result<std::vector<T>> ReadEach(YamlMap& map, std::string_view field,
                                Result<T> (*read)(const YamlNode& node)) {
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, map.OptionalList(field));
  std::vector<T> all;
  for (const YamlNode& node : nodes) {
    ASSIGN_OR_RETURN(T one, read(node));
    all.push_back(std::move(one));
  }
  return all;
}

Result<AlertCase> ReadAlertCase(const YamlNode& node);
Result<QueryCase> ReadQueryCase(const YamlNode& node);
// `match`: subset, regex, or a list of both.
Result<MatchMode> ReadMatch(YamlMap& map, MatchMode otherwise);
Result<std::vector<Event>> ReadEvents(YamlMap& map, const FileSystem& files,
                                      const std::string& test_file);
// Nothing when the test has no exp_sent.
Result<std::optional<ExpectedSendings>> ReadSendings(YamlMap& map);

// The files that the patterns match, relative to the test file's folder.
std::vector<std::string> FindRuleFiles(const FileSystem& files, const std::string& test_file,
                                       const std::vector<std::string>& patterns,
                                       std::vector<std::string>& warnings);

}  // namespace tocsin::unit_test
