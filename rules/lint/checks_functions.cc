// Functions and aggregations that do not fit what they are given.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "engine/promql/function_table.h"
#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"
#include "rules/query_reach.h"

namespace tocsin::lint {
namespace {

using promql::Expr;

constexpr std::array<std::string_view, 4> kCounterFunctions = {"increase", "irate", "rate",
                                                               "resets"};
constexpr std::array<std::string_view, 5> kGaugeFunctions = {
    "delta", "deriv", "idelta", "predict_linear", "double_exponential_smoothing"};

template <typename Names>
bool IsOneOf(std::string_view name, const Names& names) {
  return std::ranges::find(names, name) != names.end();
}

bool IsCounter(const MetricShape* metric, std::string_view name) {
  if (metric != nullptr && metric->type && metric->type != MetricType::kUntyped) {
    return metric->type == MetricType::kCounter;
  }
  if (metric != nullptr && metric->origin != Origin::kConvention) return false;
  return name.ends_with("_total") || name.ends_with("_bucket") || name.ends_with("_count");
}

bool IsGauge(const RuleContext& context, const promql::VectorSelector& selector) {
  const MetricShape* metric = context.Metric(selector);
  if (metric != nullptr && metric->type == MetricType::kGauge) return true;
  // Quantiles of a summary go up and down.
  return std::ranges::any_of(selector.matchers, [](const Matcher& matcher) {
    return matcher.name() == "quantile" && matcher.op() == MatchOp::kEqual;
  });
}

// Inside rate(…): a range of what?
void CheckCounterFunction(const RuleContext& context, const Expr& expr, const promql::Call& call,
                          Reporter& report) {
  const std::string_view function = call.function->name;
  const Expr& argument = promql::Unwrapped(*call.args[0]);
  if (const auto* subquery = argument.As<promql::Subquery>()) {
    const auto* aggregate = promql::Unwrapped(*subquery->expr).As<promql::Aggregate>();
    if (aggregate == nullptr || aggregate->op != promql::AggregateOp::kSum) return;
    report.Say({.in_expr = expr.position,
                .message = fmt::format("{} of a sum: a restart of one instance looks like a reset "
                                       "of all",
                                       function),
                .explanation = "Counters must be rated one by one; sum the rates."});
    return;
  }
  const promql::VectorSelector* selector = SelectorOf(argument);
  if (selector == nullptr) return;
  const auto* matrix = argument.As<promql::MatrixSelector>();
  const Duration interval = context.ScrapeIntervalOf(*selector);
  if (matrix != nullptr && matrix->range_expr == nullptr && matrix->range_ms > 0 &&
      Duration(matrix->range_ms) < 2 * interval) {
    report.Say(
        {.in_expr = expr.position,
         .message = fmt::format("a range of {} holds fewer than two samples, one every {}",
                                FormatPrometheusDuration(Duration(matrix->range_ms)),
                                FormatPrometheusDuration(interval)),
         .explanation = fmt::format("{} needs two; four allow for a missed scrape.", function),
         .write = "range: " + FormatPrometheusDuration(4 * interval)});
  }
  if (!IsGauge(context, *selector)) return;
  const auto begin = expr.position.begin;
  report.Say(
      {.in_expr = expr.position,
       .message = fmt::format("{} of a gauge: each time {} falls it is taken for a counter's "
                              "restart",
                              function, MetricOf(*selector)),
       .explanation = "A steady value that wavers gives a growing sum, and an improvement "
                      "looks like an increase. delta(…) is the difference over the range; "
                      "x - x offset 1h compares with before.",
       .edits = {{{begin, begin + static_cast<int32_t>(function.size())}, "delta"}},
       .severity = Severity::kError,
       .subject = std::string(MetricOf(*selector))});
}

void CheckGaugeFunction(const RuleContext& context, const Expr& expr, const promql::Call& call,
                        Reporter& report) {
  const promql::VectorSelector* selector = SelectorOf(promql::Unwrapped(*call.args[0]));
  if (selector == nullptr) return;
  const std::string_view metric = MetricOf(*selector);
  const MetricShape* known = context.Metric(*selector);
  if (known == nullptr || known->type != MetricType::kCounter) return;
  report.Say({.in_expr = expr.position,
              .message = fmt::format("{} of the counter {}: a restart gives a negative value",
                                     call.function->name, metric),
              .explanation = "rate and increase know of restarts.",
              .subject = std::string(metric)});
}

}  // namespace

void CheckRate(const RuleContext& context, Reporter& report) {
  Walk(context.root(), [&](const Expr& expr, Ancestors) {
    const auto* call = expr.As<promql::Call>();
    if (call == nullptr || call->args.empty()) return;
    if (IsOneOf(call->function->name, kCounterFunctions)) {
      CheckCounterFunction(context, expr, *call, report);
    } else if (IsOneOf(call->function->name, kGaugeFunctions)) {
      CheckGaugeFunction(context, expr, *call, report);
    }
  });
}

void CheckCounter(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  for (const Threshold& threshold : ThresholdsOf(context.root())) {
    Walk(*threshold.value, [&](const Expr& expr, Ancestors above) {
      const auto* selector = expr.As<promql::VectorSelector>();
      if (selector == nullptr) return;
      const std::string_view metric = MetricOf(*selector);
      if (!IsCounter(context.Metric(*selector), metric)) return;
      const bool counted = std::ranges::any_of(above, [](const Expr* parent) {
        const auto* aggregate = parent->As<promql::Aggregate>();
        return parent->As<promql::Call>() != nullptr ||
               (aggregate != nullptr && (aggregate->op == promql::AggregateOp::kCount ||
                                         aggregate->op == promql::AggregateOp::kGroup));
      });
      // x - x offset 1h is a difference.
      const bool difference = std::ranges::any_of(above, [](const Expr* parent) {
        const auto* binary = parent->As<promql::Binary>();
        return binary != nullptr && binary->op == promql::BinaryOp::kSub;
      });
      if (counted || difference) return;
      const std::string rated = fmt::format("increase({}[5m])", context.Text(expr));
      report.Say({.in_expr = expr.position,
                  .message = fmt::format("{} is a counter: once above {} it stays there until the "
                                         "process restarts",
                                         metric, threshold.limit),
                  .explanation = "Compare what came in a while: increase(…[5m]) or rate(…[5m]).",
                  .edits = {{expr.position, rated}},
                  .subject = std::string(metric)});
    });
  }
}

void CheckNan(const RuleContext& context, Reporter& report) {
  Walk(context.root(), [&](const Expr& expr, Ancestors above) {
    if (const auto* selector = expr.As<promql::VectorSelector>()) {
      const bool quantile = std::ranges::any_of(
          selector->matchers, [](const Matcher& m) { return m.name() == "quantile"; });
      if (quantile && context.rule.alerting) {
        report.Say({.in_expr = expr.position,
                    .message = "the quantiles of a summary are NaN while nothing happens, and "
                               "cannot be aggregated",
                    .explanation = "A comparison drops NaN: the alert resolves in the first idle "
                                   "minute. Each instance (blue and green) rings by itself, and no "
                                   "sum or average of quantiles means anything. A histogram has "
                                   "neither fault.",
                    .severity = Severity::kNote,
                    .subject = std::string(MetricOf(*selector))});
      }
      return;
    }
    const auto* binary = expr.As<promql::Binary>();
    if (binary == nullptr) return;
    if (binary->op != promql::BinaryOp::kDiv && binary->op != promql::BinaryOp::kMod) return;
    if (ConstantOf(*binary->rhs) || !binary->matching) return;
    for (size_t i = above.size(); i > 0; --i) {
      const Expr& parent = *above[i - 1];
      // A filter in between takes NaN away.
      const auto* filter = parent.As<promql::Binary>();
      if (filter != nullptr && promql::IsComparison(filter->op) && !filter->return_bool) return;
      const auto* aggregate = parent.As<promql::Aggregate>();
      if (aggregate == nullptr) continue;
      using enum promql::AggregateOp;
      const bool poisoned = aggregate->op == kSum || aggregate->op == kAvg ||
                            aggregate->op == kStddev || aggregate->op == kStdvar;
      if (!poisoned) return;
      report.Say({.in_expr = expr.position,
                  .message = fmt::format("0 / 0 is NaN, and one NaN makes the whole {} NaN",
                                         promql::AggregateOpText(aggregate->op)),
                  .explanation = "Aggregate both sides before you divide, or filter the "
                                 "denominator: x / (y > 0)."});
      return;
    }
  });
}

namespace {

std::set<std::string> JobsOf(const Expr& expr) {
  std::set<std::string> jobs;
  for (const FoundSelector& found : SelectorsBelow(expr)) {
    for (const Matcher& matcher : found.selector->matchers) {
      if (matcher.name() == "job" && matcher.op() == MatchOp::kEqual) jobs.insert(matcher.value());
    }
  }
  return jobs;
}

}  // namespace

void CheckFragile(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  Walk(context.root(), [&](const Expr& expr, Ancestors) {
    if (const auto* aggregate = expr.As<promql::Aggregate>()) {
      using enum promql::AggregateOp;
      const bool picks = aggregate->op == kTopk || aggregate->op == kBottomk ||
                         aggregate->op == kLimitk || aggregate->op == kLimitRatio;
      // Of a number there is but one.
      if (!picks || CalledFunction(context.root()) == "count") return;
      report.Say({.in_expr = expr.position,
                  .message = fmt::format("{} picks other series from evaluation to evaluation, and "
                                         "each change resolves one alert and starts another",
                                         promql::AggregateOpText(aggregate->op)),
                  .explanation = "Alert on all that are above the threshold; the Alertmanager "
                                 "groups them."});
      return;
    }
    const auto* binary = expr.As<promql::Binary>();
    if (binary == nullptr || !binary->matching || promql::IsSetOperator(binary->op)) return;
    if (context.rule.hold > Duration::zero()) return;
    const std::set<std::string> left = JobsOf(*binary->lhs);
    const std::set<std::string> right = JobsOf(*binary->rhs);
    if (left.empty() || right.empty() || left == right) return;
    report.Say({.in_expr = expr.position,
                .message = "the two sides come from different jobs, scraped at different times",
                .explanation = "Between two scrapes one side is older than the other: with `for` a "
                               "momentary mismatch rings nobody.",
                .write = "for: 2m"});
  });
}

void CheckFeatures(const RuleContext& context, Reporter& report) {
  const auto on = [&](std::string_view feature) {
    return std::ranges::find(context.input.settings.features, feature) !=
           context.input.settings.features.end();
  };
  const auto need = [&](const Expr& expr, std::string_view what, std::string_view feature) {
    if (on(feature)) return;
    report.Say({.in_expr = expr.position,
                .message = fmt::format("{} needs --enable-feature={}", what, feature),
                .explanation = "Without it the rule file does not load."});
  };
  Walk(context.root(), [&](const Expr& expr, Ancestors) {
    if (const auto* call = expr.As<promql::Call>()) {
      if (call->function->experimental) {
        need(expr, call->function->name, "promql-experimental-functions");
      }
    } else if (const auto* aggregate = expr.As<promql::Aggregate>()) {
      using enum promql::AggregateOp;
      if (aggregate->op == kLimitk || aggregate->op == kLimitRatio) {
        need(expr, promql::AggregateOpText(aggregate->op), "promql-experimental-functions");
      }
    } else if (const auto* binary = expr.As<promql::Binary>()) {
      const bool fills =
          binary->matching && (binary->matching->fill_left || binary->matching->fill_right);
      if (fills) need(expr, "fill", "promql-binop-fill-modifiers");
    } else if (const promql::VectorSelector* selector = SelectorOf(expr)) {
      if (selector->anchored || selector->smoothed) {
        need(expr, selector->anchored ? "anchored" : "smoothed", "promql-extended-range-selectors");
      }
    }
  });
}

void CheckOffset(const RuleContext& context, Reporter& report) {
  const Duration retention = context.input.settings.retention;
  if (retention == Duration::zero()) return;
  Walk(context.root(), [&](const Expr& expr, Ancestors) {
    const promql::VectorSelector* selector = SelectorOf(expr);
    const auto* subquery = expr.As<promql::Subquery>();
    const int64_t offset = selector != nullptr   ? selector->time.offset_ms
                           : subquery != nullptr ? subquery->time.offset_ms
                                                 : 0;
    if (Duration(offset) <= retention) return;
    report.Say({.in_expr = expr.position,
                .message = fmt::format("offset {} looks beyond what is kept, {}",
                                       FormatPrometheusDuration(Duration(offset)),
                                       FormatPrometheusDuration(retention)),
                .explanation = "There is never a sample that old: the selector gives nothing.",
                .consequence = Consequence::kNeverFires});
  });
}

void CheckRange(const RuleContext& context, Reporter& report) {
  const Duration retention = context.input.settings.retention;
  if (retention == Duration::zero()) return;
  Walk(context.root(), [&](const Expr& expr, Ancestors) {
    const auto* matrix = expr.As<promql::MatrixSelector>();
    const auto* subquery = expr.As<promql::Subquery>();
    const int64_t range = matrix != nullptr     ? matrix->range_ms
                          : subquery != nullptr ? subquery->range_ms
                                                : 0;
    if (Duration(range) <= retention) return;
    report.Say({.in_expr = expr.position,
                .message = fmt::format("a range of {} is longer than what is kept, {}",
                                       FormatPrometheusDuration(Duration(range)),
                                       FormatPrometheusDuration(retention)),
                .explanation = "The function sees a shorter range than it says."});
  });
}

void CheckCost(const RuleContext& context, Reporter& report) {
  const CostLimits& limits = context.input.settings.cost;
  if (!context.input.cost) return;
  const Result<LintInput::Cost> cost = context.input.cost(context.query().text());
  if (!cost.ok()) {
    report.Say({.in_expr = context.root().position,
                .message = "the server cannot evaluate it: " + cost.error().message});
    return;
  }
  const auto over = [&](std::string_view what, double value, double limit) {
    if (limit <= 0 || value <= limit) return;
    report.Say(
        {.in_expr = context.root().position,
         .message = fmt::format("costs {} {} on the server, more than {}", value, what, limit),
         .explanation = "Record a part of it, or narrow the selectors."});
  };
  over("series", static_cast<double>(cost->series), static_cast<double>(limits.max_series));
  over("samples", static_cast<double>(cost->samples), static_cast<double>(limits.max_samples));
  over("seconds", cost->seconds, limits.max_seconds);
}

}  // namespace tocsin::lint
