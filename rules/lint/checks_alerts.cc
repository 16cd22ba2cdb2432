// Thresholds and times of alerts.
#include <fmt/core.h>

#include <algorithm>

#include "engine/promql/function_table.h"
#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"

namespace tocsin::lint {
namespace {

using promql::BinaryOp;
using promql::Expr;

bool CallsAny(const Expr& root, std::initializer_list<std::string_view> functions) {
  bool calls = false;
  Walk(root, [&](const Expr& expr, Ancestors) {
    const auto* call = expr.As<promql::Call>();
    calls |= call != nullptr && std::ranges::count(functions, call->function->name) > 0;
  });
  return calls;
}

std::string Text(Duration duration) { return FormatPrometheusDuration(duration); }

// The series of a collection itself: they do not go away when the target does.
bool TellsOfCollections(std::string_view metric) {
  return metric == "up" || metric.ends_with("_up") || metric == "probe_success" ||
         metric.starts_with("scrape_") || metric.starts_with("ALERTS");
}

}  // namespace

void CheckAbsent(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting || !CallsAny(context.root(), {"absent"})) return;
  for (const FoundSelector& found : SelectorsBelow(context.root())) {
    const Duration interval = context.ScrapeIntervalOf(*found.selector);
    if (context.rule.hold >= 2 * interval) continue;
    report.Say(
        {.field = "for",
         .message =
             fmt::format("absent() needs a `for` of at least two scrapes ({})", Text(2 * interval)),
         .explanation = "After a start, and whenever a target is restarted, there is no "
                        "sample for a scrape or two: the alert would ring each time.",
         .write = "for: " + Text(std::max(2 * interval, Duration(std::chrono::minutes(2))))});
    return;
  }
}

void CheckComparison(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  bool decides = false;
  bool boolean = false;
  Walk(context.root(), [&](const Expr& expr, Ancestors) {
    if (const auto* binary = expr.As<promql::Binary>()) {
      const bool compares = promql::IsComparison(binary->op);
      boolean |= compares && binary->return_bool;
      decides |= (compares && !binary->return_bool) || binary->op == BinaryOp::kUnless ||
                 binary->op == BinaryOp::kAnd;
    }
    const auto* call = expr.As<promql::Call>();
    const std::string_view function = call == nullptr ? "" : call->function->name;
    decides |= function == "absent" || function == "absent_over_time";
  });
  const bool alerts = std::ranges::any_of(
      SelectorsBelow(context.root()),
      [](const FoundSelector& found) { return MetricOf(*found.selector).starts_with("ALERTS"); });
  const bool constant = context.root().type == promql::ValueType::kScalar ||
                        CalledFunction(context.root()) == "vector";
  if (decides || alerts || constant) return;
  report.Say({.in_expr = context.root().position,
              .message = boolean ? "a comparison with bool gives 0 or 1, and both ring the alarm"
                                 : "no comparison: the alert rings as long as the series exist, "
                                   "whatever their value",
              .explanation = "An alert fires for each series of the result, also for those that "
                             "are 0.",
              .write = boolean ? "" : "expr: " + std::string(context.Text(context.root())) + " > 0",
              .consequence = boolean ? Consequence::kAlwaysFires : Consequence::kNone});
}

void CheckFor(const RuleContext& context, Reporter& report) {
  for (const std::string_view field : {"for", "keep_firing_for"}) {
    const bool written = context.places.fields.contains(field);
    const Duration value = field == "for" ? context.rule.hold : context.rule.keep_firing_for;
    if (!written || value != Duration::zero()) continue;
    report.Say({.field = field,
                .message = fmt::format("{}: 0s is the default", field),
                .explanation = "The line can go.",
                .severity = Severity::kNote});
  }
}

void CheckShortFor(const RuleContext& context, Reporter& report) {
  const Duration hold = context.rule.hold;
  if (!context.rule.alerting || hold == Duration::zero()) return;
  const Duration evaluation = context.input.config == nullptr && context.places.rule.line > 0
                                  ? std::min(context.group.interval, Duration(15000))
                                  : context.group.interval;
  if (hold < 2 * evaluation) {
    report.Say({.field = "for",
                .message = fmt::format("for: {} is less than two evaluations, one every {}",
                                       Text(hold), Text(evaluation)),
                .explanation = "One bad evaluation is enough to fire.",
                .write = "for: " + Text(3 * evaluation)});
    return;
  }
  for (const FoundSelector& found : SelectorsBelow(context.root())) {
    const Duration interval = context.ScrapeIntervalOf(*found.selector);
    if (hold < interval) {
      report.Say({.field = "for",
                  .message = fmt::format("for: {} is shorter than the scrape interval of {}, {}",
                                         Text(hold), MetricOf(*found.selector), Text(interval)),
                  .explanation = "All evaluations see the same sample: `for` waits for nothing.",
                  .write = "for: " + Text(4 * interval)});
      return;
    }
    if (interval > evaluation && hold <= 4 * interval) {
      report.Say({.field = "for",
                  .message = fmt::format("for: {} rests on {} samples: {} is scraped every {} and "
                                         "evaluated every {}",
                                         Text(hold), hold / interval, MetricOf(*found.selector),
                                         Text(interval), Text(evaluation)),
                  .explanation = "Most evaluations see the sample of the one before.",
                  .severity = Severity::kNote});
      return;
    }
  }
}

void CheckScrapeGap(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting || context.rule.keep_firing_for > Duration::zero()) return;
  if (context.rule.extensions.on_missing != MissingPolicy::kResolve) return;
  if (CallsAny(context.root(), {"absent", "absent_over_time"})) return;
  std::string metric;
  bool rated = false;
  Walk(context.root(), [&](const Expr& expr, Ancestors above) {
    const promql::VectorSelector* selector = SelectorOf(expr);
    if (selector == nullptr || TellsOfCollections(MetricOf(*selector))) return;
    const Expr* parent = ParentOf(above);
    const std::string_view function = parent == nullptr ? "" : CalledFunction(*parent);
    if (function.ends_with("_over_time") || !metric.empty()) return;
    metric = MetricOf(*selector);
    rated = expr.As<promql::MatrixSelector>() != nullptr;
  });
  if (metric.empty()) return;
  report.Say({.message = fmt::format("the alert resolves when {} cannot be collected", metric),
              .explanation = fmt::format(
                  "A target that is down has no samples{}, and what is not there is not above any "
                  "threshold: the worst outage ends the alert. keep_firing_for bridges gaps, "
                  "last_over_time(…[10m]) looks past them, and in tocsin `on_missing: keep` tells "
                  "missing data from a solved problem.",
                  rated ? " after the range has passed" : ""),
              .write = "keep_firing_for: 5m",
              .subject = metric});
}

namespace {

// value * factor is what is compared.
struct Scaled {
  const promql::VectorSelector* selector = nullptr;
  double factor = 1;
};

Scaled ScaledSelector(const Expr& value) {
  const Expr& bare = promql::Unwrapped(value);
  if (const auto* selector = bare.As<promql::VectorSelector>()) return {selector, 1};
  const auto* binary = bare.As<promql::Binary>();
  if (binary == nullptr) return {};
  const std::optional<double> right = ConstantOf(*binary->rhs);
  const std::optional<double> left = ConstantOf(*binary->lhs);
  Scaled inner = ScaledSelector(left ? *binary->rhs : *binary->lhs);
  if (inner.selector == nullptr) return {};
  if (binary->op == BinaryOp::kMul && (left || right)) {
    inner.factor *= left ? *left : *right;
  } else if (binary->op == BinaryOp::kDiv && right && *right != 0) {
    inner.factor /= *right;
  } else {
    return {};
  }
  return inner;
}

// Whether series with the limit's labels are among those selected.
bool Selects(const promql::VectorSelector& selector, const LabelSet& labels) {
  return std::ranges::all_of(selector.matchers, [&](const Matcher& matcher) {
    return matcher.name() == kMetricName || !labels.Has(matcher.name()) ||
           matcher.Matches(labels.Get(matcher.name()));
  });
}

const std::vector<MetricLimit>& NaturalLimits() {
  static const std::vector<MetricLimit> kLimits = [] {
    std::vector<MetricLimit> limits;
    for (const char* metric : {"up", "probe_success", "pg_up", "redis_up", "celery_up", "nginx_up",
                               "redis_master_link_up", "node_filesystem_readonly"}) {
      limits.push_back({.metric = metric, .max = 1, .reason = "it is 0 or 1"});
    }
    return limits;
  }();
  return kLimits;
}

void CheckLimit(const MetricLimit& limit, const Threshold& threshold, const Scaled& scaled,
                Reporter& report) {
  if (limit.metric != MetricOf(*scaled.selector) || !Selects(*scaled.selector, limit.labels))
    return;
  const bool strict = threshold.op == BinaryOp::kGreater;
  if (!strict && threshold.op != BinaryOp::kGreaterEqual && threshold.op != BinaryOp::kEqual)
    return;
  const double highest = limit.max * scaled.factor;
  const bool reachable = strict ? highest > threshold.limit : highest >= threshold.limit;
  if (reachable) return;
  const bool all = limit.labels.empty();
  report.Say({.in_expr = threshold.comparison->position,
              .message = fmt::format("{}{} never gets above {}: {}", limit.metric,
                                     all ? "" : limit.labels.ToString(), highest, limit.reason),
              .explanation = all ? "The rule can never fire."
                                 : "The rule is dead for these series: whatever enforces the limit "
                                   "acts first. Compare with a fraction of the limit.",
              .subject = limit.metric,
              .consequence = all ? Consequence::kNeverFires : Consequence::kNone});
}

}  // namespace

void CheckUnreachable(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  for (const Threshold& threshold : ThresholdsOf(context.root())) {
    const Scaled scaled = ScaledSelector(*threshold.value);
    if (scaled.selector == nullptr) continue;
    for (const MetricLimit& limit : context.input.settings.limits) {
      CheckLimit(limit, threshold, scaled, report);
    }
    for (const MetricLimit& limit : NaturalLimits()) CheckLimit(limit, threshold, scaled, report);
  }
}

namespace {

std::set<std::string> MetricsBelow(const Expr& expr) {
  std::set<std::string> metrics;
  for (const FoundSelector& found : SelectorsBelow(expr)) {
    metrics.emplace(MetricOf(*found.selector));
  }
  return metrics;
}

// Whether another condition, joined by `and`, asks for a least amount of what is divided by.
bool HasFloor(const RuleContext& context, const std::set<std::string>& metrics,
              const Threshold& ratio) {
  return std::ranges::any_of(ThresholdsOf(context.root()), [&](const Threshold& threshold) {
    if (threshold.comparison == ratio.comparison) return false;
    const std::set<std::string> read = MetricsBelow(*threshold.value);
    return std::ranges::any_of(read, [&](const std::string& metric) {
      if (metrics.contains(metric)) return true;
      // _count and _bucket of one histogram.
      const std::string family = metric.substr(0, metric.rfind('_'));
      return std::ranges::any_of(metrics, [&](const std::string& other) {
        return other.substr(0, other.rfind('_')) == family;
      });
    });
  });
}

}  // namespace

void CheckTrafficFloor(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  for (const Threshold& threshold : ThresholdsOf(context.root())) {
    const bool rising =
        threshold.op == BinaryOp::kGreater || threshold.op == BinaryOp::kGreaterEqual;
    const auto* ratio = promql::Unwrapped(*threshold.value).As<promql::Binary>();
    if (!rising || ratio == nullptr || ratio->op != BinaryOp::kDiv || !ratio->matching) continue;
    if (!CallsAny(*ratio->rhs, {"rate", "increase", "irate"})) continue;
    const std::set<std::string> above = MetricsBelow(*ratio->lhs);
    const std::set<std::string> below = MetricsBelow(*ratio->rhs);
    const bool same = std::ranges::includes(below, above);
    if (!same || HasFloor(context, below, threshold)) continue;
    const std::string_view rate = context.Text(*ratio->rhs);
    const LabelShape& shape = context.flow.Of(*ratio->rhs);
    const std::string grouping = shape.Of("job") == Presence::kNever ? "" : "job";
    const std::string sum =
        grouping.empty() ? fmt::format("sum({})", rate) : fmt::format("sum by (job) ({})", rate);
    const int32_t end = threshold.comparison->position.end;
    report.Say({.in_expr = threshold.comparison->position,
                .message = "no floor on the traffic: at night one failure of two requests is 50 %",
                .explanation = "Ask for a least rate of what is divided by, joined with `and`.",
                .edits = {{{end, end}, fmt::format(" and on ({}) {} > 0.1", grouping, sum)}}});
  }
}

void CheckGranularity(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  const LabelShape& root = context.flow.root();
  // Labels that differ from request to request: one alert for each combination.
  std::vector<std::string> fine;
  for (const char* label :
       {"method", "status", "status_code", "code", "handler", "endpoint", "path", "cpu", "le"}) {
    const auto found = root.labels.find(label);
    if (found != root.labels.end() && found->second.value.empty()) fine.emplace_back(label);
  }
  const bool by_status = std::ranges::count(fine, "status") + std::ranges::count(fine, "code") +
                             std::ranges::count(fine, "status_code") >
                         0;
  if (fine.size() < 2 || !by_status) return;
  std::string list;
  for (const std::string& label : fine) list += (list.empty() ? "" : ", ") + label;
  report.Say({.in_expr = context.root().position,
              .message = fmt::format("one alert for each combination of {}", list),
              .explanation = "Traffic is spread over many series, none of which may reach the "
                             "threshold by itself, and one outage rings once for each. Aggregate: "
                             "sum by (job) (…).",
              .severity = Severity::kNote});
}

}  // namespace tocsin::lint
