// tocsin rules explain: why an alert fires, or does not.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/explain_text.h"
#include "cli/findings_report.h"
#include "cli/history_source.h"
#include "cli/server_client.h"
#include "engine/promql/parser.h"
#include "rules/explain.h"
#include "rules/rule_file.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--labels",
     .value = "LABELS",
     .help = "Only series with these labels: '{instance=\"a\"}' or instance=a.",
     .repeated = true},
    {.name = "--at", .value = "TIME", .help = "RFC 3339, seconds or -10m (default: now)."},
    {.name = "--rules",
     .value = "FILE",
     .help = "Take the rule from this file; the server, or --input, is only asked for data.",
     .repeated = true},
    kReportFormatFlag,
    kServerFlag,
    kInputFlag,
};

// {a="b"} as it is; a=b with quotes and braces.
Result<LabelSet> ReadLabels(const std::vector<std::string>& texts) {
  LabelSet labels;
  for (const std::string& text : texts) {
    if (text.starts_with('{')) {
      ASSIGN_OR_RETURN(const LabelSet parsed, promql::ParseMetric(text));
      for (const auto& [name, value] : parsed) labels.Set(name, value);
      continue;
    }
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return InvalidArgument("--labels: \"" + text + "\" is not NAME=VALUE");
    }
    labels.Set(text.substr(0, equals), text.substr(equals + 1));
  }
  return labels;
}

struct Question {
  std::string alert;
  LabelSet labels;
  std::optional<Timestamp> at;
};

Result<Question> ReadQuestion(const Arguments& arguments, const CommandContext& context) {
  Question question{.alert = arguments.positional().front()};
  ASSIGN_OR_RETURN(question.labels, ReadLabels(arguments.All("--labels")));
  if (arguments.Given("--at")) {
    ASSIGN_OR_RETURN(question.at, ParseTimeArgument(arguments.Text("--at"), context.clock.Now()));
  }
  return question;
}

// What the running process says.
Result<JsonValue> Ask(const Question& question, const Arguments& arguments,
                      CommandContext& context) {
  std::string path = "/api/v1/rules/explain?alert=" + UrlEncode(question.alert);
  if (!question.labels.empty()) path += "&labels=" + UrlEncode(question.labels.ToString());
  if (question.at) path += "&at=" + UrlEncode(FormatRfc3339(*question.at));
  return AskApi(context.http, arguments.Text("--server"), path);
}

// The rule of a file, over the data of a server or a file.
Result<JsonValue> ExplainHere(const Question& question, const Arguments& arguments,
                              CommandContext& context) {
  ASSIGN_OR_RETURN(const History history, OpenHistory(arguments, context));
  const promql::Engine engine({}, context.clock, nullptr);
  const ExplainOptions options{.at = question.at.value_or(history.last), .labels = question.labels};
  JsonWriter json;
  json.BeginObject().Key("rules").BeginArray();
  bool found = false;
  for (const std::string& path : arguments.All("--rules")) {
    ASSIGN_OR_RETURN(const std::string text, context.files.Read(path));
    ASSIGN_OR_RETURN(const std::vector<RuleGroupSpec> groups, ParseRuleFile(path, text));
    for (const RuleGroupSpec& group : groups) {
      for (const RuleSpec& rule : group.rules) {
        if (rule.name != question.alert) continue;
        found = true;
        const ExplainNode tree = ExplainQuery(engine, *history.querier, *rule.query, options);
        json.Raw(ExplainJson(tree,
                             {.name = rule.name,
                              .query = promql::Print(rule.query->root()),
                              .file = path,
                              .line = rule.line,
                              .column = rule.column,
                              .hold = rule.hold},
                             options));
      }
    }
  }
  if (!found) return NotFound("no rule is called \"" + question.alert + "\"");
  json.EndArray().EndObject();
  return JsonValue::Parse(json.text(), 2000);
}

// A rule as a finding: a warning when it fires or fails.
Finding FindingOf(const JsonValue& rule) {
  const auto text = [&](std::string_view key) {
    const JsonValue* const value = rule.Find(key);
    return value == nullptr ? std::string() : std::string(value->TextOrEmpty());
  };
  const auto number = [&](const JsonValue* value) {
    return value == nullptr || value->AsNumber() == nullptr ? 0 : *value->AsNumber();
  };
  const std::string state = text("state");
  const bool calm = state != "firing" && text("lastError").empty();
  Finding finding{.severity = calm ? Severity::kNote : Severity::kWarning,
                  .check = "rules/explain",
                  .file = text("file"),
                  .line = static_cast<int>(number(rule.Find("line"))),
                  .column = static_cast<int>(number(rule.Find("column")))};
  finding.message = state.empty() ? fmt::format("{}: the expression gives {} series", text("name"),
                                                number(rule.Find("tree", "out")))
                                  : text("name") + " is " + state;
  finding.explanation = RenderExplanation(rule, false);
  while (finding.explanation.ends_with('\n')) finding.explanation.pop_back();
  return finding;
}

int RunExplain(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("rules explain", arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<Question> question = ReadQuestion(arguments, context);
  const Result<JsonValue> answer = question.ok() ? arguments.Given("--rules")
                                                       ? ExplainHere(*question, arguments, context)
                                                       : Ask(*question, arguments, context)
                                                 : Result<JsonValue>(question.error());
  if (!answer.ok()) {
    context.err("tocsin rules explain: " + answer.error().message + "\n");
    return kExitUsage;
  }
  const JsonValue* const rules = answer->Find("rules");
  if (rules == nullptr || rules->AsArray() == nullptr) return kExitOk;
  bool first = true;
  for (const JsonValue& rule : *rules->AsArray()) {
    report->Say((std::exchange(first, false) ? "" : "\n") +
                RenderExplanation(rule, context.colors));
    report->AddAs(FindingOf(rule), "");
  }
  report->AddMember("rules", JsonWriter().Value(*rules).Take());
  return report->Finish();
}

}  // namespace

const CommandSpec kRulesExplainCommand = {
    .name = "rules explain",
    .summary = "Say why an alert fires, or does not.",
    .positional = "ALERT",
    .flags = kFlags,
    .examples =
        "tocsin rules explain HighErrorRate\n"
        "tocsin rules explain HighErrorRate --labels instance=app-blue:8000 --at=-10m\n"
        "tocsin rules explain HighErrorRate --rules=alert_rules.yml --input=metrics.prom\n"
        "tocsin rules explain HighErrorRate --format=json --server=http://tocsin:9977",
    .run = &RunExplain,
};

}  // namespace tocsin::cli
