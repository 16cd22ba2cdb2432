#include "delivery/gate/gate_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/go_float.h"
#include "base/json.h"
#include "base/markup.h"
#include "base/quantity.h"

namespace tocsin::delivery {
namespace {

struct VerdictRow {
  std::string_view name;
  int exit_code;
  std::string_view color;  // ANSI
};

// By GateVerdict.
constexpr VerdictRow kVerdicts[] = {{"PASS", 0, "32"},  {"WARN", 0, "33"},
                                    {"FAIL", 1, "31"},  {"INCONCLUSIVE", 2, "33"},
                                    {"ERROR", 3, "31"}, {"UNREACHABLE", 4, "31"}};

// By GateUnit: in JSON.
constexpr std::string_view kUnits[] = {"s", "bytes", "ratio", ""};

std::string UnitText(GateUnit unit) { return std::string(kUnits[static_cast<size_t>(unit)]); }

const VerdictRow& RowOf(GateVerdict verdict) { return kVerdicts[static_cast<size_t>(verdict)]; }

std::string Cell(const std::optional<double>& value, GateUnit unit) {
  return value ? FormatQuantity(*value, unit) : "n/a";
}

std::string LimitCell(const GateCheck& check) {
  if (!check.limit) return "";
  return (check.limit_is_least ? ">= " : "<= ") + FormatQuantity(*check.limit, check.unit);
}

std::string BaseCell(const GateCheck& check) {
  return check.base ? FormatQuantity(*check.base, check.base_unit) : "";
}

std::string RatioCell(const GateCheck& check) {
  return check.ratio ? FormatPrecision(*check.ratio, 3) : "";
}

std::string Painted(std::string text, GateVerdict verdict, bool colors) {
  if (!colors) return text;
  return fmt::format("\033[{}m{}\033[0m", RowOf(verdict).color, text);
}

std::string Headline(const GateReport& report) {
  return fmt::format("{} of {}{}: {}{}", report.phase, report.color,
                     report.baseline.empty() ? "" : " against " + report.baseline,
                     NameOf(report.verdict),
                     report.score ? fmt::format(", score {}", FormatRatio(*report.score)) : "");
}

std::string MarkdownEscaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

void WriteOptional(JsonWriter& json, std::string_view key, const std::optional<double>& value) {
  json.Key(key);
  value ? json.Double(*value) : json.Null();
}

void WriteCheck(const GateCheck& check, JsonWriter& json) {
  json.BeginObject().Field("id", check.id).Field("what", check.what);
  json.Field("verdict", std::string(NameOf(check.verdict)));
  WriteOptional(json, "value", check.value);
  WriteOptional(json, "limit", check.limit);
  json.Field("limit_is", check.limit_is_least ? "least" : "most");
  WriteOptional(json, "baseline", check.base);
  json.Field("baseline_unit", UnitText(check.base_unit));
  WriteOptional(json, "ratio", check.ratio);
  json.Field("unit", UnitText(check.unit)).Field("probed", check.probed);
  json.Field("samples", check.samples).Field("query", check.query).Field("why", check.why);
  json.EndObject();
}

std::optional<double> ReadOptional(const JsonValue& check, std::string_view key) {
  const JsonValue* const value = check.Find(key);
  if (value == nullptr || value->AsNumber() == nullptr) return std::nullopt;
  return *value->AsNumber();
}

std::string ReadText(const JsonValue& check, std::string_view key) {
  const JsonValue* const value = check.Find(key);
  return value == nullptr ? "" : std::string(value->TextOrEmpty());
}

GateUnit ReadUnit(const JsonValue& check, std::string_view key) {
  const auto row = std::ranges::find(kUnits, ReadText(check, key));
  return row == std::end(kUnits) ? GateUnit::kNumber : static_cast<GateUnit>(row - kUnits);
}

GateCheck ReadCheck(const JsonValue& json) {
  GateCheck check{.id = ReadText(json, "id"), .what = ReadText(json, "what")};
  const std::string verdict = ReadText(json, "verdict");
  const auto row = std::ranges::find(kVerdicts, verdict, &VerdictRow::name);
  if (row != std::end(kVerdicts)) check.verdict = static_cast<GateVerdict>(row - kVerdicts);
  check.unit = ReadUnit(json, "unit");
  check.base_unit = ReadUnit(json, "baseline_unit");
  check.ratio = ReadOptional(json, "ratio");
  check.value = ReadOptional(json, "value");
  check.limit = ReadOptional(json, "limit");
  check.limit_is_least = ReadText(json, "limit_is") == "least";
  check.base = ReadOptional(json, "baseline");
  check.samples = static_cast<uint64_t>(std::max(ReadOptional(json, "samples").value_or(0), 0.0));
  const JsonValue* const probed = json.Find("probed");
  check.probed = probed != nullptr && probed->AsBool() != nullptr && *probed->AsBool();
  check.query = ReadText(json, "query");
  check.why = ReadText(json, "why");
  return check;
}

}  // namespace

Result<std::vector<GateCheck>> ReadGateChecks(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(text));
  const JsonValue* const list = json.Find("checks");
  if (list == nullptr || list->AsArray() == nullptr) {
    return InvalidArgument("the report has no checks");
  }
  std::vector<GateCheck> checks;
  for (const JsonValue& one : *list->AsArray()) checks.push_back(ReadCheck(one));
  return checks;
}

std::string_view NameOf(GateVerdict verdict) { return RowOf(verdict).name; }

std::string FormatQuantity(double value, GateUnit unit) {
  switch (unit) {
    case GateUnit::kSeconds:
      return FormatSpan(value);
    case GateUnit::kBytes:
      return FormatSize(value);
    case GateUnit::kRatio:
      return FormatRatio(value);
    case GateUnit::kNumber:
      return FormatPrecision(value, 6);
  }
  return "";
}

void Judge(GateCheck& check) {
  if (!check.value || !check.limit) return;
  const bool good =
      check.limit_is_least ? *check.value >= *check.limit : *check.value <= *check.limit;
  check.verdict = good ? GateVerdict::kPass : GateVerdict::kFail;
  if (good) return;
  check.why = FormatQuantity(*check.value, check.unit) +
              (check.limit_is_least ? " is below " : " is above ") +
              FormatQuantity(*check.limit, check.unit);
}

void Warn(GateCheck& check, double limit) {
  if (check.verdict != GateVerdict::kPass || !check.value) return;
  if (check.limit_is_least ? *check.value >= limit : *check.value <= limit) return;
  check.verdict = GateVerdict::kWarn;
  check.why = FormatQuantity(*check.value, check.unit) +
              (check.limit_is_least ? " is below " : " is above ") +
              FormatQuantity(limit, check.unit) + ", where it warns";
}

namespace {

bool IsKey(const GateCheck& check, const ScoreGate& score) {
  return std::ranges::any_of(score.key,
                             [&](const std::string& name) { return IsUnder(check.id, name); });
}

double WeightOf(const GateCheck& check, const ScoreGate& score) {
  for (const auto& [name, weight] : score.weights) {
    if (IsUnder(check.id, name)) return weight;
  }
  return 1;
}

// The share of the weights that the checks have earned; nothing when there is no weight.
std::optional<double> ScoreOf(const std::vector<GateCheck>& checks, const ScoreGate& score) {
  double earned = 0;
  double all = 0;
  for (const GateCheck& check : checks) {
    const double weight = WeightOf(check, score);
    all += weight;
    if (check.verdict == GateVerdict::kPass) earned += weight;
    if (check.verdict == GateVerdict::kWarn) earned += weight / 2;
  }
  if (all <= 0) return std::nullopt;
  return earned / all;
}

}  // namespace

void Decide(GateReport& report, GateVerdict inconclusive_counts_as,
            const std::optional<ScoreGate>& score) {
  using enum GateVerdict;
  const auto has = [&](GateVerdict verdict) {
    return std::ranges::any_of(report.checks, [&](const GateCheck& check) {
      // A key check, or any without weights: its failure alone decides.
      if (verdict == kFail && check.verdict == kFail && score && !IsKey(check, *score))
        return false;
      return (check.verdict == kInconclusive ? inconclusive_counts_as : check.verdict) == verdict;
    });
  };
  // A gate that checked nothing has shown nothing.
  report.verdict = report.checks.empty() ? kInconclusive : kPass;
  for (const GateVerdict verdict : {kFail, kUnreachable, kError, kInconclusive, kWarn}) {
    if (!has(verdict)) continue;
    report.verdict = verdict;
    break;
  }
  if (score) report.score = ScoreOf(report.checks, *score);
  if (report.score && (report.verdict == kPass || report.verdict == kWarn)) {
    const bool any_failed = std::ranges::count(report.checks, kFail, &GateCheck::verdict) > 0;
    if (*report.score < score->warn) {
      report.verdict = kFail;
    } else if (*report.score < score->pass || any_failed) {
      report.verdict = kWarn;
    }
  }
  report.exit_code = RowOf(report.verdict).exit_code;
}

std::string RenderGateText(const GateReport& report, bool colors) {
  std::string text = fmt::format("{:<13} {:<46} {:>10} {:>12} {:>10} {:>7} {:>8}\n", "verdict",
                                 "check", "value", "limit", "baseline", "ratio", "samples");
  for (const GateCheck& check : report.checks) {
    const std::string verdict = fmt::format("{:<13}", NameOf(check.verdict));
    std::string line = fmt::format(
        "{} {:<46} {:>10} {:>12} {:>10} {:>7} {:>8}", Painted(verdict, check.verdict, colors),
        check.id, Cell(check.value, check.unit), LimitCell(check), BaseCell(check),
        RatioCell(check), check.samples == 0 ? "" : std::to_string(check.samples));
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (!check.why.empty()) text += fmt::format("{:<13} {}\n", "", check.why);
    if (check.verdict == GateVerdict::kPass || check.query.empty()) continue;
    text += fmt::format("{:<13} query: {}\n", "", check.query);
  }
  return text + "\n" + Painted(Headline(report), report.verdict, colors) + "\n";
}

std::string RenderGateJson(const GateReport& report) {
  JsonWriter json;
  json.BeginObject().Field("file", report.file).Field("phase", report.phase);
  json.Field("color", report.color).Field("baseline", report.baseline);
  json.Field("began", FormatRfc3339(report.began)).Field("took_seconds", ToSeconds(report.took));
  json.Field("verdict", std::string(NameOf(report.verdict))).Field("exit_code", report.exit_code);
  if (report.score) json.Field("score", *report.score);
  json.Key("checks").BeginArray();
  for (const GateCheck& check : report.checks) WriteCheck(check, json);
  json.EndArray();
  if (report.load) json.Key("load").Raw(RenderLoadJson(*report.load));
  json.EndObject();
  return json.Take();
}

std::string RenderGateMarkdown(const GateReport& report) {
  std::string text = "### Gate: " + Headline(report) + "\n\n";
  text += "| verdict | check | value | limit | baseline | ratio | samples | why | query |\n";
  text += "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n";
  for (const GateCheck& check : report.checks) {
    const std::string query = check.query.empty() ? "" : "`" + MarkdownEscaped(check.query) + "`";
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", NameOf(check.verdict),
                        check.id, Cell(check.value, check.unit), LimitCell(check), BaseCell(check),
                        RatioCell(check), check.samples, MarkdownEscaped(check.why), query);
  }
  return text;
}

std::string RenderGateJunit(const GateReport& report) {
  const auto count = [&](GateVerdict verdict) {
    return std::ranges::count(report.checks, verdict, &GateCheck::verdict);
  };
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  xml += fmt::format(
      "<testsuite name=\"tocsin gate {} {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "skipped=\"{}\" time=\"{}\" timestamp=\"{}\">\n",
      EscapeMarkup(report.phase), EscapeMarkup(report.color), report.checks.size(),
      count(GateVerdict::kFail), count(GateVerdict::kError) + count(GateVerdict::kUnreachable),
      count(GateVerdict::kInconclusive), ToSeconds(report.took), FormatRfc3339(report.began));
  for (const GateCheck& check : report.checks) {
    // An inconclusive check is no success: a skipped case, which CI shows as such.
    constexpr std::string_view kElements[] = {"", "", "failure", "skipped", "error", "error"};
    const std::string_view element = kElements[static_cast<size_t>(check.verdict)];
    xml += fmt::format("  <testcase classname=\"gate.{}\" name=\"{}\"", EscapeMarkup(report.phase),
                       EscapeMarkup(check.id));
    if (check.verdict == GateVerdict::kWarn) {
      xml += fmt::format(">\n    <system-out>warning: {}</system-out>\n  </testcase>\n",
                         EscapeMarkup(check.why));
      continue;
    }
    xml += element.empty() ? "/>\n"
                           : fmt::format(">\n    <{} message=\"{}\"/>\n  </testcase>\n", element,
                                         EscapeMarkup(check.why));
  }
  return xml + "</testsuite>\n";
}

}  // namespace tocsin::delivery
