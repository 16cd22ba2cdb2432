#include "rules/unit_test/unit_test_file.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/go_float.h"
#include "rules/unit_test/unit_test_reader.h"

namespace tocsin::unit_test {
namespace {

Result<Timestamp> ReadStart(YamlMap& map) {
  const std::optional<YamlNode> node = map.Find("start_timestamp");
  if (!node) return Timestamp{};
  ASSIGN_OR_RETURN(const std::string text, node->AsString());
  if (const std::optional<double> seconds = ParseGoFloat(text)) {
    return Timestamp{FromSeconds(*seconds)};
  }
  Result<Timestamp> time = ParseRfc3339(text);
  if (!time.ok()) {
    return node->ErrorHere(fmt::format("\"{}\" is neither RFC 3339 nor seconds since 1970", text));
  }
  return time;
}

Result<InputSeries> ReadInputSeries(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an input series"));
  InputSeries series{.place = PlaceOf(node), .series = {}, .values = {}};
  ASSIGN_OR_RETURN(series.series, map.OptionalString("series"));
  ASSIGN_OR_RETURN(series.values, map.OptionalString("values"));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return series;
}

// The parts of a test that are promtool's.
Status ReadChecks(YamlMap& map, Test& test) {
  ASSIGN_OR_RETURN(test.input_series, ReadEach<InputSeries>(map, "input_series", ReadInputSeries));
  ASSIGN_OR_RETURN(test.alert_cases, ReadEach<AlertCase>(map, "alert_rule_test", ReadAlertCase));
  ASSIGN_OR_RETURN(test.query_cases, ReadEach<QueryCase>(map, "promql_expr_test", ReadQueryCase));
  ASSIGN_OR_RETURN(const auto labels, map.OptionalStringMap("external_labels"));
  test.external_labels = LabelSet::FromPairs(labels);
  ASSIGN_OR_RETURN(test.external_url, map.OptionalString("external_url"));
  return Ok();
}

Status ReadExtensions(YamlMap& map, const FileSystem& files, const UnitTestFile& file, Test& test) {
  ASSIGN_OR_RETURN(test.events, ReadEvents(map, files, file.path));
  ASSIGN_OR_RETURN(test.sendings, ReadSendings(map));
  ASSIGN_OR_RETURN(test.evaluate_from, map.OptionalDuration("evaluate_from", Duration::zero()));
  ASSIGN_OR_RETURN(test.resend_delay, map.OptionalDuration("resend_delay", test.resend_delay));
  return Ok();
}

Result<Test> ReadTest(const YamlNode& node, const FileSystem& files, const UnitTestFile& file) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a test"));
  Test test;
  test.place = PlaceOf(node);
  ASSIGN_OR_RETURN(test.interval, map.OptionalDuration("interval", Duration::zero()));
  if (test.interval == Duration::zero()) test.interval = file.evaluation_interval;
  ASSIGN_OR_RETURN(test.name, map.OptionalString("name"));
  ASSIGN_OR_RETURN(test.start, ReadStart(map));
  RETURN_IF_ERROR(ReadChecks(map, test));
  RETURN_IF_ERROR(ReadExtensions(map, files, file, test));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return test;
}

Status ReadOrder(YamlMap& root, UnitTestFile& file) {
  ASSIGN_OR_RETURN(file.group_eval_order, root.OptionalStringList("group_eval_order"));
  for (auto name = file.group_eval_order.begin(); name != file.group_eval_order.end(); ++name) {
    if (std::find(file.group_eval_order.begin(), name, *name) == name) continue;
    return root.ErrorAt("group_eval_order", "group name repeated in evaluation order: " + *name);
  }
  return Ok();
}

}  // namespace

Duration Test::Length() const {
  Duration length{};
  for (const AlertCase& each : alert_cases) length = std::max(length, each.eval_time);
  for (const QueryCase& each : query_cases) length = std::max(length, each.eval_time);
  if (!sendings) return length;
  for (const ExpectedSending& each : sendings->list) length = std::max(length, each.at);
  return length;
}

Result<UnitTestFile> ReadUnitTestFile(const FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, files.Read(path));
  ASSIGN_OR_RETURN(const YamlNode node, YamlNode::Parse(path, text));
  ASSIGN_OR_RETURN(YamlMap root, YamlMap::Open(node, "a unit-test file"));
  UnitTestFile file;
  file.path = path;
  ASSIGN_OR_RETURN(const std::vector<std::string> patterns, root.OptionalStringList("rule_files"));
  file.rule_files = FindRuleFiles(files, path, patterns, file.warnings);
  ASSIGN_OR_RETURN(const Duration interval,
                   root.OptionalDuration("evaluation_interval", Duration::zero()));
  if (interval > Duration::zero()) file.evaluation_interval = interval;
  ASSIGN_OR_RETURN(file.fuzzy_compare, root.OptionalBool("fuzzy_compare", false));
  RETURN_IF_ERROR(ReadOrder(root, file));
  ASSIGN_OR_RETURN(file.honor_group_interval, root.OptionalBool("honor_group_interval", false));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> tests, root.OptionalList("tests"));
  for (const YamlNode& each : tests) {
    ASSIGN_OR_RETURN(Test test, ReadTest(each, files, file));
    file.tests.push_back(std::move(test));
  }
  RETURN_IF_ERROR(root.RejectUnknownFields());
  return file;
}

}  // namespace tocsin::unit_test
