#include "cli/alert_shapes.h"

#include "rules/rule_file.h"

namespace tocsin::cli {
namespace {

alertmanager::AlertShape ShapeOf(const RuleSpec& rule) {
  alertmanager::AlertShape shape{.name = rule.name, .known = {}, .possible = {}};
  for (const TemplatedLabel& label : rule.label_templates) {
    const std::string& text = label.value.text();
    if (text.find("{{") == std::string::npos) shape.known.Set(label.name, text);
  }
  shape.known.Set("alertname", rule.name);
  return shape;
}

}  // namespace

Result<std::vector<alertmanager::AlertShape>> ReadAlertShapes(
    const FileSystem& files, const std::vector<std::string>& patterns) {
  std::vector<alertmanager::AlertShape> shapes;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> paths = files.Glob(pattern);
    if (paths.empty()) return NotFound("--rules: no file matches \"" + pattern + "\"");
    for (const std::string& path : paths) {
      ASSIGN_OR_RETURN(const std::string text, files.Read(path));
      ASSIGN_OR_RETURN(const std::vector<RuleGroupSpec> groups, ParseRuleFile(path, text));
      for (const RuleGroupSpec& group : groups) {
        for (const RuleSpec& rule : group.rules) {
          if (rule.alerting) shapes.push_back(ShapeOf(rule));
        }
      }
    }
  }
  return shapes;
}

}  // namespace tocsin::cli
