#include "cli/rule_file_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "rules/rule_file.h"

namespace tocsin::cli {
namespace {

struct LintRow {
  std::string_view name;
  bool LintSelection::*flag;
};
constexpr LintRow kLintChecks[] = {
    {"duplicate-rules", &LintSelection::duplicate_rules},
    {"too-long-scrape-interval", &LintSelection::long_scrape_interval},
};

Status Select(std::string_view name, LintSelection& selection) {
  if (name == "none" || name == "all") {
    for (const LintRow& row : kLintChecks) selection.*(row.flag) = name == "all";
    return Ok();
  }
  const auto* const row = std::ranges::find(kLintChecks, name, &LintRow::name);
  if (row == std::end(kLintChecks)) {
    return InvalidArgument(
        fmt::format("--lint: \"{}\" is not one of all, duplicate-rules, "
                    "too-long-scrape-interval, none",
                    name));
  }
  selection.*(row->flag) = true;
  return Ok();
}

// Rules whose series would be the same: equal name and labels, whatever they compute. The second
// of each.
std::vector<const RuleSpec*> Duplicates(const std::vector<RuleGroupSpec>& groups) {
  std::map<std::pair<std::string, LabelSet>, int> seen;
  std::vector<const RuleSpec*> duplicates;
  for (const RuleGroupSpec& group : groups) {
    for (const RuleSpec& rule : group.rules) {
      if (++seen[{rule.name, rule.labels}] == 2) duplicates.push_back(&rule);
    }
  }
  return duplicates;
}

void ReportDuplicates(const std::string& file, const std::vector<const RuleSpec*>& duplicates,
                      FindingsReport& report) {
  std::string lead =
      fmt::format("  FAILED:\nlint error {} duplicate rule(s) found.\n", duplicates.size());
  for (const RuleSpec* rule : duplicates) {
    std::string text = fmt::format("Metric: {}\nLabel(s):\n", rule->name);
    for (const auto& [name, value] : rule->labels) text += fmt::format("\t{}: {}\n", name, value);
    if (rule == duplicates.back())
      text += "Might cause inconsistency while recording expressions\n";
    report.AddAs({.severity = Severity::kWarning,
                  .check = "rules/duplicate",
                  .file = file,
                  .line = rule->line,
                  .column = rule->column,
                  .message = fmt::format("another rule has the same name \"{}\" and labels {}",
                                         rule->name, rule->labels.ToString()),
                  .explanation = "both write the same series; which value stays is not defined",
                  .fix = "give one of them another name or a label of its own"},
                 lead + text);
    lead.clear();
  }
}

}  // namespace

Result<LintSelection> ParseLint(std::string_view text) {
  LintSelection selection{.duplicate_rules = false, .long_scrape_interval = false};
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    RETURN_IF_ERROR(Select(text.substr(0, comma), selection));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return selection;
}

void CheckRuleFile(const std::string& path, const RuleFileCheck& options, CommandContext& context,
                   FindingsReport& report) {
  const bool from_input = path == "-";
  const std::string name = from_input ? "standard input" : path;
  report.Say("Checking " + name + "\n");
  const Result<std::string> text =
      context.files.Read(from_input ? std::string(kStandardInput) : path);
  const RuleDefaults defaults{.parser = options.parser,
                              .extension_fields = options.extension_fields,
                              .ignore_unknown_fields = options.ignore_unknown_fields};
  const Result<std::vector<RuleGroupSpec>> groups =
      text.ok() ? ParseRuleFile(name, *text, defaults) : text.error();
  if (!groups.ok()) {
    std::string lead = "  FAILED:\n";
    for (Finding& finding : FindingsOf(groups.error(), name, "rules/syntax")) {
      const std::string place =
          finding.line > 0 ? fmt::format("{}:{}:{}: ", finding.file, finding.line, finding.column)
                           : "";
      const std::string words = lead + place + finding.message + "\n";
      report.AddAs(std::move(finding), words);
      lead.clear();
    }
    report.Say("\n");
    return;
  }
  const std::vector<const RuleSpec*> duplicates =
      options.lint.duplicate_rules ? Duplicates(*groups) : std::vector<const RuleSpec*>();
  if (!duplicates.empty()) {
    ReportDuplicates(name, duplicates, report);
    report.Say("\n");
    return;
  }
  size_t rules = 0;
  for (const RuleGroupSpec& group : *groups) rules += group.rules.size();
  report.Say(fmt::format("  SUCCESS: {} rules found\n\n", rules));
}

}  // namespace tocsin::cli
