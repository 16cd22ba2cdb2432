// tocsin rules fmt, rules diff: rule files as texts.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "cli/commands.h"
#include "engine/promql/parser.h"
#include "rules/lint/rule_document.h"

namespace tocsin::cli {
namespace {

// --- fmt -------------------------------------------------------------------------------------

constexpr FlagSpec kFmtFlags[] = {
    {.name = "--write", .help = "Change the files instead of printing them."},
    {.name = "--check", .help = "Print the names of files that would change; exit code 1 if any."},
};

RuleDefaults AllSyntax() {
  RuleDefaults defaults;
  defaults.parser.experimental_functions = true;
  defaults.parser.extended_range_selectors = true;
  defaults.parser.binop_fill_modifiers = true;
  return defaults;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

size_t IndentOf(const std::string& line) { return line.find_first_not_of(' '); }

// Whether a plain scalar may hold the text.
bool IsPlain(const std::string& text) {
  return text.find(": ") == std::string::npos && text.find(" #") == std::string::npos &&
         text.find_first_of("{[\"'|>&*!%@`") != 0 && !text.ends_with(':');
}

// The lines of the field `expr` whose key stands there, in their canonical form.
std::string Formatted(const promql::Expr& expr, const std::string& head, size_t indent) {
  constexpr size_t kWidth = 100;
  const std::string line = promql::Print(expr);
  if (head.size() + line.size() <= kWidth && IsPlain(line)) return head + line + "\n";
  const std::vector<std::string> parts = LinesOf(promql::PrettyPrint(expr));
  // A first line that is indented further would be taken for the indentation of all.
  const bool deeper = !parts.empty() && parts.front().starts_with(' ');
  std::string text = head + (deeper ? "|2\n" : "|\n");
  for (const std::string& part : parts) {
    text += std::string(indent + 2, ' ') + part + "\n";
  }
  return text;
}

// The file with every expression laid out. Comments and everything else stay as they are; an
// expression beside a comment is left alone.
std::string Format(const lint::RuleDocument& document) {
  const std::vector<std::string> lines = LinesOf(document.text);
  std::map<size_t, std::pair<size_t, std::string>> replaced;  // first line -> end, text
  for (size_t g = 0; g < document.groups.size(); ++g) {
    for (size_t r = 0; r < document.groups[g].rules.size(); ++r) {
      const lint::RulePlaces& places = document.places[g].rules[r];
      const auto key = places.fields.find("expr");
      if (key == places.fields.end()) continue;
      const auto first = static_cast<size_t>(key->second.line - 1);
      const auto indent = static_cast<size_t>(key->second.column - 1);
      size_t end = first + 1;
      while (end < lines.size()) {
        const size_t next = IndentOf(lines[end]);
        if (next != std::string::npos && next <= indent) break;
        ++end;
      }
      while (end > first + 1 && IndentOf(lines[end - 1]) == std::string::npos) --end;
      const bool commented = std::ranges::any_of(
          lines.begin() + static_cast<std::ptrdiff_t>(first),
          lines.begin() + static_cast<std::ptrdiff_t>(end),
          [](const std::string& line) { return line.find('#') != std::string::npos; });
      const bool flow = places.rule.line == key->second.line && lines[first].find('{') < indent;
      if (commented || flow) continue;
      const std::string head = lines[first].substr(0, indent) + "expr: ";
      replaced[first] = {end, Formatted(document.groups[g].rules[r].query->root(), head, indent)};
    }
  }
  std::string text;
  for (size_t i = 0; i < lines.size();) {
    const auto found = replaced.find(i);
    if (found == replaced.end()) {
      text += lines[i++] + "\n";
    } else {
      text += found->second.second;
      i = found->second.first;
    }
  }
  return text;
}

int RunFmt(const Arguments& arguments, CommandContext& context) {
  int code = kExitOk;
  for (const std::string& path : arguments.positional()) {
    const Result<std::string> text = context.files.Read(path);
    if (!text.ok()) {
      context.err("tocsin rules fmt: " + text.error().message + "\n");
      return kExitUsage;
    }
    const lint::ReadDocument read = lint::ReadRuleDocument(path, *text, AllSyntax());
    if (!read.findings.empty()) {
      for (const Finding& finding : read.findings) {
        context.err(fmt::format("{}:{}:{}: {}\n", finding.file, finding.line, finding.column,
                                finding.message));
      }
      code = kExitNo;
      continue;
    }
    const std::string formatted = Format(read.document);
    if (arguments.Switch("--check")) {
      if (formatted == *text) continue;
      context.out(path + "\n");
      code = kExitNo;
    } else if (!arguments.Switch("--write")) {
      context.out(formatted);
    } else if (formatted != *text) {
      const Status written = context.files.WriteAtomically(path, formatted);
      if (!written.ok()) {
        context.err("tocsin rules fmt: " + written.error().message + "\n");
        return kExitUsage;
      }
    }
  }
  return code;
}

// --- diff ------------------------------------------------------------------------------------

struct Keyed {
  std::string group;
  const RuleSpec* rule;
};
// By kind, name, and the how-manieth of that name.
using RuleMap = std::map<std::tuple<bool, std::string, int>, Keyed>;

RuleMap MapOf(const std::vector<RuleGroupSpec>& groups) {
  RuleMap rules;
  std::map<std::pair<bool, std::string>, int> seen;
  for (const RuleGroupSpec& group : groups) {
    for (const RuleSpec& rule : group.rules) {
      const int number = seen[{rule.alerting, rule.name}]++;
      rules[{rule.alerting, rule.name, number}] = {group.name, &rule};
    }
  }
  return rules;
}

std::string Changed(std::string_view field, const std::string& before, const std::string& after) {
  if (before == after) return "";
  return fmt::format("    {}\n      - {}\n      + {}\n", field, before, after);
}

std::string Duration0(Duration duration) {
  return duration == Duration::zero() ? "none" : FormatPrometheusDuration(duration);
}

std::string Differences(const Keyed& before, const Keyed& after) {
  const RuleSpec& a = *before.rule;
  const RuleSpec& b = *after.rule;
  return Changed("group", before.group, after.group) +
         Changed("expr", promql::Print(a.query->root()), promql::Print(b.query->root())) +
         Changed("for", Duration0(a.hold), Duration0(b.hold)) +
         Changed("keep_firing_for", Duration0(a.keep_firing_for), Duration0(b.keep_firing_for)) +
         Changed("labels", a.labels.ToString(), b.labels.ToString()) +
         Changed("annotations", a.annotations.ToString(), b.annotations.ToString());
}

int RunDiff(const Arguments& arguments, CommandContext& context) {
  std::vector<std::vector<RuleGroupSpec>> sides;
  for (const std::string& path : arguments.positional()) {
    const Result<std::string> text = context.files.Read(path);
    Result<std::vector<RuleGroupSpec>> groups =
        text.ok() ? ParseRuleFile(path, *text, AllSyntax()) : text.error();
    if (!groups.ok()) {
      context.err("tocsin rules diff: " + groups.error().message + "\n");
      return kExitUsage;
    }
    sides.push_back(*std::move(groups));
  }
  const RuleMap before = MapOf(sides[0]);
  const RuleMap after = MapOf(sides[1]);
  std::string text;
  for (const auto& [key, rule] : before) {
    const std::string& name = std::get<1>(key);
    const auto found = after.find(key);
    if (found == after.end()) {
      text += fmt::format("- {} (group {})\n", name, rule.group);
    } else if (const std::string changes = Differences(rule, found->second); !changes.empty()) {
      text += fmt::format("~ {} (group {})\n{}", name, found->second.group, changes);
    }
  }
  for (const auto& [key, rule] : after) {
    if (!before.contains(key))
      text += fmt::format("+ {} (group {})\n", std::get<1>(key), rule.group);
  }
  context.out(text);
  return text.empty() ? kExitOk : kExitNo;
}

}  // namespace

const CommandSpec kRulesFmtCommand = {
    .name = "rules fmt",
    .summary = "Lay the expressions of rule files out.",
    .positional = "FILE...",
    .flags = kFmtFlags,
    .examples =
        "tocsin rules fmt alert_rules.yml\n"
        "tocsin rules fmt --write rules/*.yml\n"
        "tocsin rules fmt --check rules/*.yml",
    .run = &RunFmt,
};

const CommandSpec kRulesDiffCommand = {
    .name = "rules diff",
    .summary = "Compare two rule files by what they mean; exit code 1 when they differ.",
    .positional = "OLD NEW",
    .examples = "tocsin rules diff old.yml new.yml",
    .run = &RunDiff,
};

}  // namespace tocsin::cli
