// tocsin rules diff: what a change of rule files means.
#include <fmt/core.h>

#include <map>
#include <set>
#include <tuple>

#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/rule_syntax.h"
#include "engine/promql/parser.h"
#include "rules/lint/rule_document.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {kReportFormatFlag};

std::string DurationText(Duration duration) {
  return duration == Duration::zero() ? "none" : FormatPrometheusDuration(duration);
}

std::string QueryText(const std::shared_ptr<const promql::ParsedQuery>& query) {
  return query == nullptr ? "none" : promql::Print(query->root());
}

template <typename Spec>
struct Field {
  std::string_view name;
  std::string (*text)(const Spec& spec);
};

constexpr Field<RuleGroupSpec> kGroupFields[] = {
    {"interval", [](const RuleGroupSpec& group) { return DurationText(group.interval); }},
    {"query_offset", [](const RuleGroupSpec& group) { return DurationText(group.query_offset); }},
    {"limit",
     [](const RuleGroupSpec& group) {
       return group.limit == 0 ? std::string("none") : std::to_string(group.limit);
     }},
};

constexpr Field<RuleSpec> kRuleFields[] = {
    {"expr", [](const RuleSpec& rule) { return QueryText(rule.query); }},
    {"for", [](const RuleSpec& rule) { return DurationText(rule.hold); }},
    {"keep_firing_for", [](const RuleSpec& rule) { return DurationText(rule.keep_firing_for); }},
    {"resolve_expr", [](const RuleSpec& rule) { return QueryText(rule.extensions.resolve_query); }},
    {"labels", [](const RuleSpec& rule) { return rule.labels.ToString(); }},
    {"annotations", [](const RuleSpec& rule) { return rule.annotations.ToString(); }},
};

template <typename Spec>
struct Side {
  std::string group;
  std::string file;
  int line = 0;
  int column = 0;
  const Spec* spec = nullptr;
};
using GroupSide = Side<RuleGroupSpec>;
using RuleSide = Side<RuleSpec>;

// One of the two files. Groups by name; rules by kind, name, and the how-manieth of that name,
// wherever they stand.
struct Content {
  std::map<std::string, GroupSide> groups;
  std::map<std::tuple<bool, std::string, int>, RuleSide> rules;
};

Content ContentOf(const lint::RuleDocument& document) {
  Content content;
  std::map<std::pair<bool, std::string>, int> seen;
  for (size_t g = 0; g < document.groups.size(); ++g) {
    const RuleGroupSpec& group = document.groups[g];
    content.groups[group.name] = {group.name, document.file, group.line, group.column, &group};
    for (size_t r = 0; r < group.rules.size(); ++r) {
      const RuleSpec& rule = group.rules[r];
      const TextPlace& place = document.places[g].rules[r].rule;
      const int number = seen[{rule.alerting, rule.name}]++;
      content.rules[{rule.alerting, rule.name, number}] = {group.name, document.file, place.line,
                                                           place.column, &rule};
    }
  }
  return content;
}

// Prints the differences, and counts them.
class Differences {
 public:
  explicit Differences(FindingsReport& report) : report_(report) {}

  template <typename Spec>
  void Note(char sign, const std::string& what, const Side<Spec>& side,
            const std::string& changes = "") {
    ++count_;
    report_.Say(fmt::format("{} {}\n{}", sign, what, changes));
    const std::string_view how = sign == '+' ? "is new" : sign == '-' ? "is gone" : "is changed";
    Finding finding = {.severity = Severity::kNote,
                       .check = "rules/diff",
                       .file = side.file,
                       .line = side.line,
                       .column = side.column,
                       .message = fmt::format("{} {}", what, how),
                       .explanation = changes};
    if (!report_.is_text()) report_.Add(std::move(finding));
  }
  size_t count() const { return count_; }

 private:
  FindingsReport& report_;
  size_t count_ = 0;
};

std::string Changed(std::string_view field, const std::string& before, const std::string& after) {
  if (before == after) return "";
  return fmt::format("    {}\n      - {}\n      + {}\n", field, before, after);
}

template <typename Spec, size_t N>
std::string ChangesOf(const Field<Spec> (&fields)[N], const Spec& before, const Spec& after) {
  std::string changes;
  for (const Field<Spec>& field : fields) {
    changes += Changed(field.name, field.text(before), field.text(after));
  }
  return changes;
}

void CompareGroups(const Content& before, const Content& after, Differences& differences) {
  for (const auto& [name, group] : before.groups) {
    const auto found = after.groups.find(name);
    if (found == after.groups.end()) continue;  // its rules say so
    const std::string changes = ChangesOf(kGroupFields, *group.spec, *found->second.spec);
    if (!changes.empty()) differences.Note('~', "group " + name, found->second, changes);
  }
}

std::string TitleOf(const RuleSide& rule) {
  return fmt::format("{} (group {})", rule.spec->name, rule.group);
}

void CompareRules(const Content& before, const Content& after, Differences& differences) {
  for (const auto& [key, rule] : before.rules) {
    const auto found = after.rules.find(key);
    if (found == after.rules.end()) {
      differences.Note('-', TitleOf(rule), rule);
      continue;
    }
    const std::string changes = Changed("group", rule.group, found->second.group) +
                                ChangesOf(kRuleFields, *rule.spec, *found->second.spec);
    if (!changes.empty()) differences.Note('~', TitleOf(found->second), found->second, changes);
  }
  for (const auto& [key, rule] : after.rules) {
    if (!before.rules.contains(key)) differences.Note('+', TitleOf(rule), rule);
  }
}

Result<lint::RuleDocument> Read(const std::string& path, const FileSystem& files) {
  ASSIGN_OR_RETURN(std::string text, files.Read(path));
  lint::ReadDocument read = lint::ReadRuleDocument(path, std::move(text), AllSyntax());
  if (read.findings.empty()) return std::move(read.document);
  const Finding& finding = read.findings.front();
  return InvalidArgument(
      fmt::format("{}:{}:{}: {}", finding.file, finding.line, finding.column, finding.message));
}

int RunDiff(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("rules diff", arguments, context);
  if (!report.ok()) return kExitUsage;
  std::vector<lint::RuleDocument> sides;
  for (const std::string& path : arguments.positional()) {
    Result<lint::RuleDocument> document = Read(path, context.files);
    if (!document.ok()) {
      context.err("tocsin rules diff: " + document.error().message + "\n");
      return kExitUsage;
    }
    sides.push_back(*std::move(document));
  }
  const Content before = ContentOf(sides[0]);
  const Content after = ContentOf(sides[1]);
  Differences differences(*report);
  CompareGroups(before, after, differences);
  CompareRules(before, after, differences);
  report->Finish();
  return differences.count() == 0 ? kExitOk : kExitNo;
}

}  // namespace

const CommandSpec kRulesDiffCommand = {
    .name = "rules diff",
    .summary = "Compare two rule files by what they mean; exit code 1 when they differ.",
    .positional = "OLD NEW",
    .flags = kFlags,
    .examples =
        "tocsin rules diff old.yml new.yml\n"
        "tocsin rules diff --format=json old.yml new.yml",
    .run = &RunDiff,
};

}  // namespace tocsin::cli
