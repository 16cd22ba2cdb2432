// tocsin rules fmt: rule files with their expressions laid out.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/rule_syntax.h"
#include "cli/text_lines.h"
#include "engine/promql/parser.h"
#include "rules/lint/rule_document.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFmtFlags[] = {
    {.name = "--write", .help = "Change the files instead of printing them."},
    {.name = "--check", .help = "Print the names of files that would change; exit code 1 if any."},
    kReportFormatFlag,
};

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

// The first line in which the texts differ.
int FirstDifference(const std::string& a, const std::string& b) {
  const auto [end, other] = std::ranges::mismatch(a, b);
  return 1 + static_cast<int>(std::count(a.begin(), end, '\n'));
}

Finding NotLaidOut(const std::string& path, int line) {
  return {.severity = Severity::kError,
          .check = "rules/format",
          .file = path,
          .line = line,
          .message = "the expression is not laid out as `tocsin rules fmt` does it",
          .fix = "tocsin rules fmt --write " + path};
}

// What --check, --write or neither asks for. `formatted` is the new text of the file at `path`.
Status Deliver(const Arguments& arguments, const lint::RuleDocument& document,
               FindingsReport& report, const CommandContext& context) {
  const std::string formatted = Format(document);
  const std::string& path = document.file;
  if (arguments.Switch("--check")) {
    if (formatted == document.text) return Ok();
    report.Say(path + "\n");
    report.AddAs(NotLaidOut(path, FirstDifference(document.text, formatted)), "");
  } else if (!arguments.Switch("--write")) {
    report.Say(formatted);
  } else if (formatted != document.text) {
    return context.files.WriteAtomically(path, formatted);
  }
  return Ok();
}

int RunFmt(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("rules fmt", arguments, context);
  if (!report.ok()) return kExitUsage;
  for (const std::string& path : arguments.positional()) {
    Result<std::string> text = context.files.Read(path);
    Status done = text.ok() ? Ok() : Status(text.error());
    if (text.ok()) {
      const lint::ReadDocument read = lint::ReadRuleDocument(path, *std::move(text), AllSyntax());
      for (const Finding& finding : read.findings) {
        report->AddAs(finding, fmt::format("{}:{}:{}: {}\n", finding.file, finding.line,
                                           finding.column, finding.message));
      }
      if (read.findings.empty()) done = Deliver(arguments, read.document, *report, context);
    }
    if (!done.ok()) {
      context.err("tocsin rules fmt: " + done.error().message + "\n");
      return kExitUsage;
    }
  }
  return report->Finish();
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
        "tocsin rules fmt --check rules/*.yml\n"
        "tocsin rules fmt --check --format=github rules/*.yml",
    .run = &RunFmt,
};

}  // namespace tocsin::cli
