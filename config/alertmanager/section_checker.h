// Holds the YAML of Alertmanager's configuration to the table of fields (schema.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "config/alertmanager/schema.h"
#include "config/yaml_reader.h"

namespace tocsin::alertmanager {

// The value of a member of a mapping, or nothing.
std::optional<YamlNode> Member(const YamlNode& map, std::string_view name);

class SectionChecker {
 public:
  explicit SectionChecker(std::vector<Finding>& findings) : findings_(findings) {}

  // Everything from `node` down.
  void Check(const YamlNode& node, std::string_view section);
  void Note(const YamlNode& at, Severity severity, std::string_view check, std::string message,
            std::string explanation = {}, std::string fix = {});

 private:
  void CheckField(const YamlNode& key, const YamlNode& value, std::string_view section);
  void CheckValue(const YamlNode& value, const FieldRow& row);
  void CheckScalar(const YamlNode& value, const FieldRow& row);
  void CheckUrl(const YamlNode& value, const FieldRow& row);
  void CheckTexts(const YamlNode& value, const FieldRow& row);
  void CheckMap(const YamlNode& value, const FieldRow& row);
  void CheckLabelName(const YamlNode& at, std::string_view name, const FieldRow& row);
  void CheckRule(const YamlNode& node, const SectionRule& rule);
  // A value and the file that it could stand in exclude each other.
  void CheckFiles(const YamlNode& node);
  void CheckHeaders(const YamlNode& value, const FieldRow& row);
  void CheckMatchers(const YamlNode& value);
  void Unknown(const YamlNode& key, std::string_view section);

  std::vector<Finding>& findings_;
};

}  // namespace tocsin::alertmanager
