#include "delivery/gate/gate_preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/quantity.h"
#include "engine/promql/matcher_edit.h"

namespace tocsin::delivery {
namespace {

using Kind = GateFinding::Kind;
using Findings = std::vector<GateFinding>;

constexpr std::string_view kKinds[] = {"ok", "note", "problem"};

// One expression that the gate will ask.
struct Question {
  std::string subject;
  std::string text;  // with its ${color}
  GateUnit unit = GateUnit::kNumber;
};

struct QueryRow {
  std::string_view name;
  GateUnit unit;
  bool (*used)(const GateSpec& spec);
};

bool HasFigures(const GateSpec& spec) {
  const auto& performance = spec.performance;
  return spec.rollback || spec.compare ||
         (performance && (performance->response_time_p95 || performance->error_rate_max));
}

// The queries of DefaultGateQueries, and when they are asked.
constexpr QueryRow kQueryRows[] = {
    {"response_time_p95", GateUnit::kSeconds,
     [](const GateSpec& spec) {
       return spec.compare || (spec.performance && spec.performance->response_time_p95) ||
              (spec.rollback && spec.rollback->response_time_degradation);
     }},
    {"memory_usage", GateUnit::kBytes,
     [](const GateSpec& spec) {
       return (spec.performance && spec.performance->memory_usage_max) ||
              (spec.rollback && spec.rollback->memory_usage_spike);
     }},
    {"error_rate", GateUnit::kRatio,
     [](const GateSpec& spec) {
       return spec.compare || (spec.performance && spec.performance->error_rate_max) ||
              (spec.rollback &&
               (spec.rollback->error_rate_spike || spec.rollback->error_rate_increase));
     }},
    {"requests", GateUnit::kNumber, &HasFigures},
    {"age", GateUnit::kNumber, &HasFigures},
};

// The alternatives of each query that the gate asks, and its own expressions.
std::vector<std::vector<Question>> QuestionsOf(const GateSpec& spec) {
  std::vector<std::vector<Question>> all;
  for (const QueryRow& row : kQueryRows) {
    if (!row.used(spec)) continue;
    std::vector<std::string> texts;
    for (const GateQuery& query : DefaultGateQueries()) {
      if (query.name == row.name) texts = query.alternatives;
    }
    const auto given = spec.queries.find(std::string(row.name));
    if (given != spec.queries.end()) texts = given->second;
    std::vector<Question> alternatives;
    for (std::string& text : texts) {
      alternatives.push_back({"query " + std::string(row.name), std::move(text), row.unit});
    }
    all.push_back(std::move(alternatives));
  }
  for (const CustomGate& gate : spec.custom) all.push_back({{"custom." + gate.name, gate.query}});
  return all;
}

// The selectors of an expression as lists of matchers.
Result<std::vector<std::vector<Matcher>>> SelectorsOf(const std::string& expr) {
  std::vector<std::vector<Matcher>> selectors;
  const Result<std::string> parsed = promql::PrettyPrintEdited(
      expr, {}, [&](std::vector<Matcher>& matchers) { selectors.push_back(matchers); });
  if (!parsed.ok()) return parsed.error();
  return selectors;
}

std::string MetricOf(const std::vector<Matcher>& selector) {
  for (const Matcher& matcher : selector) {
    if (matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual) return matcher.value();
  }
  return "";
}

std::set<std::string> MetricsOf(const std::string& expr) {
  std::set<std::string> metrics;
  const auto selectors = SelectorsOf(expr);
  if (!selectors.ok()) return metrics;
  for (const auto& selector : *selectors) metrics.insert(MetricOf(selector));
  metrics.erase("");
  return metrics;
}

// By the end of a metric's name, where it says the unit (Prometheus' naming conventions).
struct UnitSuffix {
  std::string_view suffix;
  std::string_view unit;
};
constexpr UnitSuffix kUnitSuffixes[] = {{"_milliseconds", "milliseconds"},
                                        {"_ms", "milliseconds"},
                                        {"_microseconds", "microseconds"},
                                        {"_seconds", "seconds"},
                                        {"_kilobytes", "kilobytes"},
                                        {"_megabytes", "megabytes"},
                                        {"_mb", "megabytes"},
                                        {"_bytes", "bytes"},
                                        {"_percent", "percent"},
                                        {"_ratio", "ratio"}};

std::string_view UnitOf(std::string_view metric) {
  for (const std::string_view part : {"_bucket", "_sum", "_count", "_total"}) {
    if (metric.ends_with(part)) metric.remove_suffix(part.size());
  }
  for (const UnitSuffix& row : kUnitSuffixes) {
    if (metric.ends_with(row.suffix)) return row.unit;
  }
  return "";
}

// What a metric's unit must not be, for a limit in this one: its name would then be honest and the
// limit out of reach.
bool Fits(GateUnit unit, std::string_view metric_unit) {
  switch (unit) {
    case GateUnit::kSeconds:
      return metric_unit == "seconds" || metric_unit.empty();
    case GateUnit::kBytes:
      return metric_unit == "bytes" || metric_unit.empty();
    case GateUnit::kRatio:
      return metric_unit != "percent";
    case GateUnit::kNumber:
      return true;
  }
  return true;
}

void CheckText(const Question& question, const GateInputs& inputs, Findings& findings) {
  const std::string expr = FilledQuery(question.text, inputs.color, inputs.spec.window);
  const auto problem = [&](std::string text) {
    findings.push_back({Kind::kProblem, question.subject, std::move(text)});
  };
  const auto selectors = SelectorsOf(expr);
  if (!selectors.ok()) return problem(selectors.error().message);
  if (selectors->empty()) return problem("asks for no metric, so its value never changes: " + expr);
  const bool custom = question.subject.starts_with("custom.");
  if (!custom && question.text.find("${color}") == std::string::npos) {
    problem("does not ask about ${color}: every version would get the same verdict: " + expr);
  }
  for (const std::string& metric : MetricsOf(expr)) {
    if (Fits(question.unit, UnitOf(metric))) continue;
    problem(fmt::format("{} is in {}, its limit in {}", metric, UnitOf(metric),
                        question.unit == GateUnit::kBytes     ? "bytes"
                        : question.unit == GateUnit::kSeconds ? "seconds"
                                                              : "ratios"));
  }
}

// Limits that no value can be beyond.
void CheckLimits(const GateSpec& spec, Findings& findings) {
  struct Row {
    std::string_view id;
    std::optional<double> ratio;
    bool is_least;
  };
  const auto& performance = spec.performance;
  const auto& rollback = spec.rollback;
  const std::optional<double> none;
  const Row rows[] = {
      {"health_check.success_rate", spec.health ? std::optional(spec.health->success_rate) : none,
       true},
      {"load_testing.success_rate", spec.load ? std::optional(spec.load->success_rate) : none,
       true},
      {"performance_validation.error_rate_max", performance ? performance->error_rate_max : none,
       false},
      {"rollback_criteria.error_rate_spike", rollback ? rollback->error_rate_spike : none, false},
      {"rollback_criteria.error_rate_increase", rollback ? rollback->error_rate_increase : none,
       false}};
  for (const Row& row : rows) {
    if (!row.ratio) continue;
    const bool never_fails = row.is_least ? *row.ratio <= 0 : *row.ratio >= 1;
    if (never_fails) {
      findings.push_back({Kind::kProblem, std::string(row.id),
                          fmt::format("can never fail: a ratio is never {} {}",
                                      row.is_least ? "below" : "above", FormatRatio(*row.ratio))});
    }
    if (row.is_least && *row.ratio > 1) {
      findings.push_back(
          {Kind::kProblem, std::string(row.id), "can never pass: a ratio is never above 100%"});
    }
  }
  for (const CustomGate& gate : spec.custom) {
    if (!gate.min || !gate.max || *gate.min <= *gate.max) continue;
    findings.push_back({Kind::kProblem, "custom." + gate.name, "can never pass: min is above max"});
  }
}

// Plans that cannot come to an end that passes.
void CheckPlans(const GateInputs& inputs, Findings& findings) {
  const GateSpec& spec = inputs.spec;
  const auto problem = [&](std::string subject, std::string text) {
    findings.push_back({Kind::kProblem, std::move(subject), std::move(text)});
  };
  if (spec.measure.consecutive_success > spec.measure.count) {
    problem("measure", fmt::format("can never pass: {} successes in a row of {} measurements",
                                   spec.measure.consecutive_success, spec.measure.count));
  }
  if (spec.measure.failure_limit >= spec.measure.count) {
    problem("measure", fmt::format("can never fail: {} failures of {} measurements are tolerated",
                                   spec.measure.failure_limit, spec.measure.count));
  }
  if (spec.load && spec.load->rate > 0 && !inputs.skip_load) {
    const double requests = spec.load->rate * ToSeconds(spec.load->duration);
    if (HasFigures(spec) && requests < spec.min_requests) {
      problem("load_testing", fmt::format("{} journeys are fewer than min_requests, {}: the phase "
                                          "pre decides nothing",
                                          requests, spec.min_requests));
    }
  }
  constexpr int64_t kFewest = 5;
  if (spec.compare && spec.window / spec.compare->step < kFewest) {
    problem("compare", fmt::format("can never pass: the window has {} steps, {} are needed",
                                   spec.window / spec.compare->step, kFewest));
  }
  if (spec.no_alerts && inputs.alerts.empty()) {
    problem("alerts", "can never pass: no alert rules are given; name their files with --rules");
  }
  const bool checks = spec.health || spec.load || HasFigures(spec) || spec.performance ||
                      spec.no_alerts || !spec.custom.empty();
  if (!checks) problem("gates", "can never pass: nothing is checked");
}

// Asks a server about metrics and colors.
class ServerCheck {
 public:
  ServerCheck(const GateInputs& inputs, MetricSource& source, Timestamp now)
      : inputs_(inputs), source_(source), now_(now) {}

  Result<GateFinding> Check(const std::vector<Question>& alternatives) {
    std::string reasons;
    for (const Question& question : alternatives) {
      ASSIGN_OR_RETURN(GateFinding finding, CheckOne(question));
      if (finding.kind != Kind::kProblem) return finding;
      reasons += (reasons.empty() ? "" : "; ") + finding.text;
    }
    return GateFinding{Kind::kProblem, alternatives[0].subject, reasons};
  }

  // The metrics of alert rules that the server does not have.
  Result<GateFinding> CheckAlerts() {
    std::set<std::string> missing;
    for (const WatchedAlert& alert : inputs_.alerts) {
      for (const std::string& metric : MetricsOf(alert.expr)) {
        ASSIGN_OR_RETURN(const bool exists, Exists(metric));
        if (!exists) missing.insert(metric);
      }
    }
    if (missing.empty()) {
      return GateFinding{
          Kind::kOk, "alerts",
          fmt::format("the server has the metrics of all {} rules", inputs_.alerts.size())};
    }
    std::string names;
    for (const std::string& metric : missing) names += (names.empty() ? "" : ", ") + metric;
    return GateFinding{Kind::kNote, "alerts", "the server has no series of " + names};
  }

 private:
  // An answer of no series where the server refuses the expression.
  Result<std::vector<MetricSample>> Ask(const std::string& expr) {
    Result<std::vector<MetricSample>> samples = source_.Query(expr, now_);
    if (samples.ok()) return samples;
    const ErrorCode code = samples.error().code;
    const bool unreachable = code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout;
    if (unreachable) return samples;
    refused_ = samples.error().message;
    return std::vector<MetricSample>();
  }

  Result<bool> Exists(const std::string& metric) {
    ASSIGN_OR_RETURN(const std::vector<MetricSample> found,
                     Ask("count({__name__=\"" + metric + "\"})"));
    return !found.empty();
  }

  Result<std::vector<std::string>> ColorsOf(const std::string& metric) {
    ASSIGN_OR_RETURN(const std::vector<MetricSample> found,
                     Ask("group by (color) ({__name__=\"" + metric + "\",color!=\"\"})"));
    std::vector<std::string> colors;
    for (const MetricSample& sample : found) colors.emplace_back(sample.labels.Get("color"));
    std::ranges::sort(colors);
    return colors;
  }

  Result<GateFinding> CheckOne(const Question& question) {
    GateFinding finding{Kind::kProblem, question.subject, ""};
    const std::string expr = FilledQuery(question.text, inputs_.color, inputs_.spec.window);
    refused_.clear();
    ASSIGN_OR_RETURN(const std::vector<MetricSample> samples, Ask(expr));
    if (!refused_.empty()) {
      finding.text = "the server refuses " + expr + ": " + refused_;
    } else if (samples.size() > 1) {
      finding.text = fmt::format("{} series where one is meant: {}", samples.size(), expr);
    } else if (samples.size() == 1) {
      finding.kind = Kind::kOk;
      finding.text = fmt::format("{} for {}: {}", FormatQuantity(samples[0].value, question.unit),
                                 inputs_.color, expr);
    } else {
      return WhyEmpty(question, expr);
    }
    return finding;
  }

  // No answer for the color: does the server not have the metric, or the color not run?
  Result<GateFinding> WhyEmpty(const Question& question, const std::string& expr) {
    std::set<std::string> colors;
    for (const std::string& metric : MetricsOf(expr)) {
      ASSIGN_OR_RETURN(const bool exists, Exists(metric));
      if (!exists) {
        return GateFinding{Kind::kProblem, question.subject, "the server has no series " + metric};
      }
      ASSIGN_OR_RETURN(const std::vector<std::string> found, ColorsOf(metric));
      if (found.empty() && question.text.find("${color}") != std::string::npos) {
        return GateFinding{Kind::kProblem, question.subject,
                           "the series of " + metric + " have no label color"};
      }
      colors.insert(found.begin(), found.end());
    }
    colors.erase(inputs_.color);
    for (const std::string& color : colors) {
      const std::string other = FilledQuery(question.text, color, inputs_.spec.window);
      ASSIGN_OR_RETURN(const std::vector<MetricSample> samples, Ask(other));
      if (samples.size() != 1) continue;
      return GateFinding{
          Kind::kNote, question.subject,
          fmt::format("nothing for {} yet; {} for {}: {}", inputs_.color,
                      FormatQuantity(samples[0].value, question.unit), color, other)};
    }
    return GateFinding{Kind::kProblem, question.subject,
                       "the metrics are there, yet no color has an answer to " + expr};
  }

  const GateInputs& inputs_;
  MetricSource& source_;
  const Timestamp now_;
  std::string refused_;
};

}  // namespace

std::string_view NameOf(GateFinding::Kind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::vector<GateFinding> FindInGateFile(const GateInputs& inputs) {
  Findings findings;
  CheckLimits(inputs.spec, findings);
  CheckPlans(inputs, findings);
  for (const std::vector<Question>& alternatives : QuestionsOf(inputs.spec)) {
    for (const Question& question : alternatives) CheckText(question, inputs, findings);
  }
  if (findings.empty()) {
    findings.push_back({Kind::kOk, inputs.file, "every check can pass, and can fail"});
  }
  return findings;
}

Result<std::vector<GateFinding>> FindOnServer(const GateInputs& inputs, MetricSource& source,
                                              Timestamp now) {
  ServerCheck server(inputs, source, now);
  Findings findings;
  for (const std::vector<Question>& alternatives : QuestionsOf(inputs.spec)) {
    ASSIGN_OR_RETURN(GateFinding finding, server.Check(alternatives));
    findings.push_back(std::move(finding));
  }
  if (!inputs.alerts.empty()) {
    ASSIGN_OR_RETURN(GateFinding finding, server.CheckAlerts());
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::string RenderFindingsText(const std::vector<GateFinding>& findings) {
  std::string text;
  for (const GateFinding& finding : findings) {
    text += fmt::format("{:<8} {:<40} {}\n", NameOf(finding.kind), finding.subject, finding.text);
  }
  const auto problems = std::ranges::count(findings, Kind::kProblem, &GateFinding::kind);
  return text + fmt::format("{} problems\n", problems);
}

std::string RenderFindingsJson(const std::vector<GateFinding>& findings) {
  JsonWriter json;
  json.BeginArray();
  for (const GateFinding& finding : findings) {
    json.BeginObject().Field("kind", std::string(NameOf(finding.kind)));
    json.Field("subject", finding.subject).Field("text", finding.text).EndObject();
  }
  json.EndArray();
  return json.Take();
}

}  // namespace tocsin::delivery
