// What selectors read: metrics, labels and values that exist, or do not.
#include <fmt/core.h>

#include <algorithm>

#include "engine/promql/function_table.h"
#include "engine/promql/plan.h"
#include "engine/promql/quote.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"

namespace tocsin::lint {
namespace {

using promql::Expr;

template <typename Names>
std::string Listed(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

bool Is(const Matcher& matcher, std::string_view name) { return matcher.name() == name; }

const Matcher* MatcherOf(const promql::VectorSelector& selector, std::string_view name) {
  const auto found = std::ranges::find(selector.matchers, name, &Matcher::name);
  return found == selector.matchers.end() ? nullptr : &*found;
}

// {job="a",…} without some labels, with braces; "" when nothing is left.
std::string MatchersWithout(const promql::VectorSelector& selector, std::string_view label) {
  std::string text;
  for (const Matcher& matcher : selector.matchers) {
    if (Is(matcher, kMetricName) || Is(matcher, label)) continue;
    text += (text.empty() ? "" : ",") + matcher.ToString();
  }
  return text.empty() ? "" : "{" + text + "}";
}

// Labels that make one alert for each thing that is served, without those of one process.
std::string QuantileGrouping(const MetricShape& histogram) {
  std::string text = "job, instance";
  for (const std::string& label : histogram.labels) {
    if (label != "job" && label != "instance" && label != "le") text += ", " + label;
  }
  return text + ", le";
}

// A quantile that a client would have had to compute, from the histogram that it exposes instead.
std::string QuantileOfHistogram(const promql::VectorSelector& selector, std::string_view metric,
                                const MetricShape& buckets, std::string_view offset) {
  const Matcher* quantile = MatcherOf(selector, "quantile");
  std::string grouping = QuantileGrouping(buckets);
  return fmt::format("histogram_quantile({}, sum by ({}) (rate({}_bucket{}[5m]{})))",
                     quantile == nullptr ? "0.95" : quantile->value(), grouping, metric,
                     MatchersWithout(selector, "quantile"), offset);
}

struct Problem {
  std::string message;
  std::string explanation;
  std::vector<TextEdit> edits;
};

// A summary's quantiles where there is a histogram.
Problem NoQuantiles(const RuleContext& context, const Expr& expr, Ancestors above,
                    const promql::VectorSelector& selector, const MetricShape& family) {
  const std::string metric(MetricOf(selector));
  Problem problem{
      .message = fmt::format("{} is a histogram: there are no series of that name, so {} never "
                             "selects anything",
                             metric, context.Text(expr)),
      .explanation = fmt::format(
          "Quantiles as series come from client-side summaries. {} exposes {}_bucket, _sum and "
          "_count, and Python's client has no summary quantiles at all.\nWhere they do exist, "
          "they are NaN while nothing is served, which resolves the alert silently, and cannot "
          "be aggregated over instances (blue and green).",
          family.source, metric)};
  const MetricShape* buckets = context.input.schema.Find(metric + "_bucket");
  if (buckets == nullptr) return problem;
  const std::string count = metric + "_count" + MatchersWithout(selector, "quantile");
  const std::string now = QuantileOfHistogram(selector, metric, *buckets, "");
  const Expr* parent = ParentOf(above);
  const auto* matrix = expr.As<promql::MatrixSelector>();
  std::string grouping = QuantileGrouping(*buckets);
  grouping.resize(grouping.size() - std::string_view(", le").size());
  const std::string floor =
      fmt::format(" and on ({0}) sum by ({0}) (rate({1}[5m])) > 0.1", grouping, count);
  if (matrix != nullptr && parent != nullptr) {
    const std::string before =
        fmt::format(" offset {}", FormatPrometheusDuration(Duration(matrix->range_ms)));
    problem.edits.push_back(
        {parent->position,
         fmt::format("({} - {})", now, QuantileOfHistogram(selector, metric, *buckets, before))});
  } else {
    problem.edits.push_back({expr.position, now});
  }
  const auto end = static_cast<int32_t>(context.query().text().find_last_not_of(" \n\t") + 1);
  if (context.rule.alerting && CalledFunction(context.root()) != "absent") {
    problem.edits.push_back({{end, end}, floor});
  }
  return problem;
}

Problem NoMetric(const RuleContext& context, const Expr& expr, Ancestors above,
                 const promql::VectorSelector& selector) {
  const std::string metric(MetricOf(selector));
  const MetricShape* known = context.input.schema.Find(metric);
  if (known != nullptr && known->type == MetricType::kHistogram &&
      context.input.schema.Find(metric + "_bucket") != nullptr) {
    return NoQuantiles(context, expr, above, selector, *known);
  }
  Problem problem;
  std::string owner;
  if (known != nullptr && known->origin == Origin::kServer) {
    problem.message = fmt::format("the server has no metric {}", metric);
  } else if (context.input.schema.OwnsPrefix(metric, &owner)) {
    problem.message = fmt::format("{} has no metric {}", owner, metric);
  } else {
    problem.message = fmt::format("there is no metric {}", metric);
  }
  const std::vector<std::string> similar = context.input.schema.Similar(metric);
  if (!similar.empty()) {
    problem.message += fmt::format("; did you mean {}?", similar.front());
    const promql::PositionRange where = SelectorPosition(expr);
    problem.edits.push_back(
        {{where.begin, where.begin + static_cast<int32_t>(selector.name.size())}, similar.front()});
    if (selector.name.empty()) problem.edits.clear();
  }
  problem.explanation = "The selector matches nothing, so the rule gives nothing.";
  return problem;
}

Problem NoLabel(const RuleContext& context, const promql::VectorSelector& selector,
                const EmptyReason& reason) {
  const MetricShape* known = context.Metric(selector);
  Problem problem{.message = fmt::format("{} has no label {}", MetricOf(selector), reason.subject),
                  .explanation = "The matcher wants a value, so it matches nothing."};
  if (known != nullptr) {
    problem.explanation = fmt::format("{} gives it the labels {}. {}", known->source,
                                      Listed(known->labels), problem.explanation);
  }
  return problem;
}

Problem NoValue(const RuleContext& context, const promql::VectorSelector& selector,
                const EmptyReason& reason) {
  const MetricShape* known = context.Metric(selector);
  const Matcher* matcher = MatcherOf(selector, reason.subject);
  Problem problem{.message =
                      fmt::format("{} never has {}", MetricOf(selector),
                                  matcher == nullptr ? reason.subject : matcher->ToString())};
  if (known == nullptr) return problem;
  const auto values = known->values.find(reason.subject);
  if (values != known->values.end()) {
    problem.explanation =
        fmt::format("The values of {} are: {}.", reason.subject, Listed(values->second));
  }
  return problem;
}

bool IsOfSelector(const EmptyReason& reason) {
  return reason.kind == EmptyReason::Kind::kNoMetric ||
         reason.kind == EmptyReason::Kind::kNoLabel || reason.kind == EmptyReason::Kind::kNoValue;
}

std::string Ending(const RuleContext& context, bool assumed) {
  const bool empties_rule = context.flow.root().empty.has_value();
  if (!empties_rule) return "";
  if (!context.rule.alerting) return ": it records nothing";
  return assumed ? ": never fires with the usual instrumentation" : ": it can never fire";
}

}  // namespace

void CheckSeries(const RuleContext& context, Reporter& report) {
  Walk(context.root(), [&](const Expr& expr, Ancestors above) {
    const promql::VectorSelector* selector = SelectorOf(expr);
    if (selector == nullptr) return;
    const std::optional<EmptyReason>& reason = context.flow.Of(expr).empty;
    if (!reason || !IsOfSelector(*reason) || reason->where != &expr) return;
    // That something is absent, or is taken away, is what such rules are for.
    if (Inside(above, "absent") || Inside(above, "absent_over_time")) return;
    Problem problem;
    switch (reason->kind) {
      case EmptyReason::Kind::kNoMetric:
        problem = NoMetric(context, expr, above, *selector);
        break;
      case EmptyReason::Kind::kNoLabel:
        problem = NoLabel(context, *selector, *reason);
        break;
      case EmptyReason::Kind::kNoValue:
        problem = NoValue(context, *selector, *reason);
        break;
      case EmptyReason::Kind::kNoPartner:
      case EmptyReason::Kind::kNoBuckets:
      case EmptyReason::Kind::kContradiction:
        return;
    }
    const bool empties = context.flow.root().empty.has_value();
    report.Say({.in_expr = expr.position,
                .message = problem.message + Ending(context, reason->assumed),
                .explanation = std::move(problem.explanation),
                .edits = std::move(problem.edits),
                .subject = std::string(MetricOf(*selector)),
                .consequence =
                    empties && !reason->assumed ? Consequence::kNeverFires : Consequence::kNone});
  });
}

void CheckUnscoped(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  for (const FoundSelector& found : SelectorsBelow(context.root())) {
    const std::string_view metric = MetricOf(*found.selector);
    const MetricShape* known = context.Metric(*found.selector);
    const bool everywhere = metric.starts_with("process_") || metric.starts_with("python_") ||
                            metric.starts_with("go_");
    const bool app = known != nullptr && known->origin == Origin::kConvention &&
                     metric.starts_with("http_request");
    if (!everywhere && !app) continue;
    const bool scoped = std::ranges::any_of(found.selector->matchers, [](const Matcher& matcher) {
      return Is(matcher, "job") || Is(matcher, "instance") || Is(matcher, "namespace");
    });
    if (scoped) continue;
    const std::string job = "job=" + promql::Quote(JobOf(context.input));
    const std::string others = MatcherText(*found.selector);
    report.Say(
        {.in_expr = found.expr->position,
         .message = fmt::format("{} without a job: this is every process that is scraped", metric),
         .explanation = everywhere
                            ? "Every client library exposes it, so exporters, the database's "
                              "and the monitoring's own processes ring the alarm too."
                            : "Any other service that is instrumented the same way is meant "
                              "too.",
         .edits = {{SelectorPosition(*found.expr),
                    fmt::format("{}{{{}{}{}}}", metric, job, others.empty() ? "" : ",", others)}},
         .severity = everywhere ? Severity::kWarning : Severity::kNote,
         .subject = std::string(metric)});
  }
}

namespace {

// Mistakes that are told again and again about certain metrics.
struct Trap {
  std::string_view metric;
  bool (*caught)(const RuleContext& context, const Expr& expr, Ancestors above);
  std::string_view message;
  std::string_view explanation;
  std::string_view instead = {};  // of the selector; "" when the text is what is wrong
  Severity severity = Severity::kWarning;
};

bool Reads(const RuleContext& context, std::string_view metric) {
  return std::ranges::any_of(SelectorsBelow(context.root()), [&](const FoundSelector& found) {
    return MetricOf(*found.selector) == metric;
  });
}

bool IgnoresReserve(const RuleContext& context, const Expr& expr, Ancestors above) {
  const Expr* parent = ParentOf(above);
  const auto* division = parent == nullptr ? nullptr : parent->As<promql::Binary>();
  return division != nullptr && division->op == promql::BinaryOp::kDiv &&
         &promql::Unwrapped(*division->rhs) == &expr &&
         !Reads(context, "pg_settings_superuser_reserved_connections");
}

bool Speaks(const RuleContext& context, std::string_view pattern) {
  const Result<Regex> regex = Regex::Compile(pattern);
  if (!regex.ok()) return false;
  if (regex->Matches(context.rule.name)) return true;
  return std::ranges::any_of(context.rule.annotations, [&](const LabelSet::Pair& annotation) {
    return regex->Matches(annotation.second);
  });
}

bool SpeaksOfPool(const RuleContext& context, const Expr&, Ancestors) {
  return Speaks(context, "(?i)pool");
}

bool WaitsForPending(const RuleContext&, const Expr& expr, Ancestors) {
  const Matcher* state = MatcherOf(*SelectorOf(expr), "state");
  return state != nullptr && state->op() == MatchOp::kEqual && state->value() == "PENDING";
}

bool SpeaksOfVideos(const RuleContext& context, const Expr&, Ancestors) {
  return Speaks(context, "(?i)videos?\\b");
}

bool AsksForStatus(const RuleContext& context, const Expr& expr, Ancestors) {
  const MetricShape* known = context.Metric(*SelectorOf(expr));
  if (known != nullptr && known->certain()) return false;
  return MatcherOf(*SelectorOf(expr), "status") != nullptr;
}

// tocsin itself is one process.
bool Compared(const RuleContext& context, const Expr& expr, Ancestors) {
  const Matcher* job = MatcherOf(*SelectorOf(expr), "job");
  return context.rule.alerting && (job == nullptr || job->value() != "tocsin");
}

constexpr Trap kTraps[] = {
    {.metric = "pg_settings_max_connections",
     .caught = IgnoresReserve,
     .message = "the connections that are kept for superusers are counted as free",
     .explanation = "Applications are refused when max_connections - "
                    "superuser_reserved_connections are taken: at 97 of 100 by default.",
     .instead = "(pg_settings_max_connections - pg_settings_superuser_reserved_connections)"},
    {.metric = "pg_settings_max_connections",
     .caught = SpeaksOfPool,
     .message = "the text speaks of a pool, the expression of the server's connections",
     .explanation = "max_connections is the limit of the Postgres server. The application's pool "
                    "may be exhausted long before, or be a small part of it: name the alert after "
                    "the server, or measure the pool in the application.",
     .severity = Severity::kNote},
    {.metric = "celery_tasks_total",
     .caught = WaitsForPending,
     .message = "PENDING means something else in every exporter",
     .explanation =
         "celery-prometheus-exporter has a gauge celery_tasks{state} and nothing of this name; in "
         "celery-exporter it is a counter of events, which after 11 tasks fires for ever, or never "
         "where task-sent events are off; in Celery itself PENDING also means \"unknown\". tocsin "
         "gives the waiting messages of all queues under this name. What waits is the length of "
         "the "
         "queue; tasks that workers have taken and not begun are beside it.",
     .instead = "max by (job, instance, queue_name) (celery_queue_length)"},
    {.metric = "celery_tasks_total",
     .caught = SpeaksOfVideos,
     .message = "the text counts videos, the expression tasks of any kind",
     .explanation = "The threshold holds for each series by itself, and a task is not a video: sum "
                    "by queue, and name the queue in the text.",
     .severity = Severity::kNote},
    {.metric = "process_resident_memory_bytes",
     .caught = Compared,
     .message = "this is the memory of one process, not of the container or of all workers",
     .explanation = "A service with several workers is killed by its container's limit long before "
                    "one process reaches it. Compare a fraction of the limit: the node collector "
                    "gives node_cgroup_memory_usage_bytes / node_cgroup_memory_limit_bytes of the "
                    "control group that tocsin runs in, cAdvisor those of all containers.",
     .severity = Severity::kNote},
    {.metric = "http_requests_total",
     .caught = AsksForStatus,
     .message = "the label for the status differs between frameworks",
     .explanation = "prometheus-fastapi-instrumentator writes status=\"5xx\" or \"500\", others "
                    "status_code or code: look at the application's /metrics before you rely on "
                    "it, or lint with --server.",
     .severity = Severity::kNote},
};

}  // namespace

void CheckTraps(const RuleContext& context, Reporter& report) {
  Walk(context.root(), [&](const Expr& expr, Ancestors above) {
    const promql::VectorSelector* selector = SelectorOf(expr);
    if (selector == nullptr) return;
    for (const Trap& trap : kTraps) {
      if (trap.metric != MetricOf(*selector) || !trap.caught(context, expr, above)) continue;
      Remark remark{.in_expr = expr.position,
                    .message = std::string(trap.message),
                    .explanation = std::string(trap.explanation),
                    .severity = trap.severity,
                    .subject = std::string(trap.metric)};
      if (!trap.instead.empty()) remark.edits = {{expr.position, std::string(trap.instead)}};
      report.Say(std::move(remark));
    }
  });
}

void CheckRegexp(const RuleContext& context, Reporter& report) {
  for (const FoundSelector& found : SelectorsBelow(context.root())) {
    for (const Matcher& matcher : found.selector->matchers) {
      const bool positive = matcher.op() == MatchOp::kRegex;
      if (!positive && matcher.op() != MatchOp::kNotRegex) continue;
      const std::string& pattern = matcher.value();
      std::string message;
      std::string better;
      if (pattern.starts_with('^') || (pattern.ends_with('$') && !pattern.ends_with("\\$"))) {
        std::string bare = pattern.substr(pattern.starts_with('^') ? 1 : 0);
        if (bare.ends_with('$')) bare.pop_back();
        message = "matchers are anchored already";
        better = fmt::format("{}{}{}", matcher.name(), positive ? "=~" : "!~", promql::Quote(bare));
      } else if (pattern == QuoteRegex(pattern)) {
        message = "a regex without any pattern is slower than a plain comparison";
        better =
            fmt::format("{}{}{}", matcher.name(), positive ? "=" : "!=", promql::Quote(pattern));
      } else if (pattern == ".*" && positive) {
        message = "this matches everything, series without the label too";
      } else if (Regex::Compile("[A-Za-z0-9]\\.[A-Za-z0-9]").ok() &&
                 Regex::Compile("[A-Za-z0-9]\\.[A-Za-z0-9]")->Matches(pattern)) {
        // Digits and letters on both sides of a dot: a host name rather than "any character".
        if (!Regex::Compile("[a-z]{2,}\\.[a-z]{2,}")->Matches(pattern)) continue;
        message = "the dot matches any character; a host name wants it escaped";
      } else {
        continue;
      }
      report.Say({.in_expr = found.expr->position,
                  .message = fmt::format("{}: {}", matcher.ToString(), message),
                  .explanation = "Regular expressions of matchers hold for the whole value.",
                  .write = better.empty() ? "" : "matcher: " + better,
                  .subject = std::string(MetricOf(*found.selector))});
    }
  }
}

}  // namespace tocsin::lint
