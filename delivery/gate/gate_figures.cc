#include <algorithm>

#include "base/quantity.h"
#include "delivery/gate/gate_run.h"
#include "engine/promql/matcher_edit.h"

namespace tocsin::delivery {
namespace {

void CompareWith(double base, GateUnit unit, double own, GateCheck& check) {
  check.base = base;
  check.base_unit = unit;
  if (base > 0) check.ratio = own / base;
}

// The rule as it would be if the color were all that there is: rules sum over colors, because users
// do not care which of them fails, and the trouble of a color with a twentieth of the traffic does
// not show in such a sum. "" where that would be another question: without a selector (vector(1)),
// and with absent(), which most metrics would be for a color.
std::string OwnExpression(const std::string& expr, const std::string& color) {
  if (expr.find("absent") != std::string::npos) return "";
  int selectors = 0;
  const promql::MatcherEdit set =
      promql::SettingMatcher(*Matcher::Make(MatchOp::kEqual, "color", color));
  const Result<std::string> own =
      promql::PrettyPrintEdited(expr, {}, [&](std::vector<Matcher>& matchers) {
        ++selectors;
        set(matchers);
      });
  return own.ok() && selectors > 0 ? *own : "";
}

}  // namespace

// What the rounds of one check have come to.
struct GateRun::Tally {
  GateCheck last;
  int64_t failures = 0;
  int64_t successes = 0;
  int64_t in_a_row = 0;
  uint64_t rounds = 0;
  bool decided = false;
};

// Figures: measured in rounds.

std::vector<std::pair<std::string, std::function<GateCheck()>>> GateRun::Figures() {
  std::vector<std::pair<std::string, std::function<GateCheck()>>> figures;
  const auto add = [&](std::string id, const std::optional<double>& limit, auto measure) {
    if (limit) figures.emplace_back(id, [=, limit = *limit] { return measure(id, limit); });
  };
  if (const auto& gate = inputs_.spec.performance) {
    const std::string section = "performance_validation.";
    add(section + "response_time_p95 server", gate->response_time_p95,
        [this](const std::string& id, double limit) {
          return ServerSide(id, "response_time_p95", limit, GateUnit::kSeconds, true);
        });
    add(section + "memory_usage_max", gate->memory_usage_max,
        [this](const std::string& id, double limit) {
          return ServerSide(id, "memory_usage", limit, GateUnit::kBytes, false);
        });
    add(section + "error_rate_max", gate->error_rate_max,
        [this](const std::string& id, double limit) {
          return ServerSide(id, "error_rate", limit, GateUnit::kRatio, true);
        });
  }
  if (const auto& gate = inputs_.spec.rollback;
      gate && IncludesPhase(inputs_.phase, {GatePhase::kStep, GatePhase::kPost})) {
    const std::string section = "rollback_criteria.";
    add(section + "response_time_degradation", gate->response_time_degradation,
        [this](const std::string&, double limit) { return Degradation(limit); });
    add(section + "error_rate_spike", gate->error_rate_spike,
        [this](const std::string& id, double limit) {
          return ServerSide(id, "error_rate", limit, GateUnit::kRatio, true);
        });
    add(section + "error_rate_increase", gate->error_rate_increase,
        [this](const std::string&, double limit) { return ErrorIncrease(limit); });
    add(section + "memory_usage_spike", gate->memory_usage_spike,
        [this](const std::string&, double limit) { return MemorySpike(limit); });
  }
  if (inputs_.spec.compare && IncludesPhase(inputs_.phase, {GatePhase::kStep, GatePhase::kPost})) {
    for (const std::string_view query : {"response_time_p95", "error_rate"}) {
      figures.emplace_back("compare." + std::string(query),
                           [this, query] { return Compare(query); });
    }
  }
  if (inputs_.spec.no_alerts) figures.emplace_back("alerts", [this] { return Alerts(); });
  for (const CustomGate& gate : inputs_.spec.custom) {
    figures.emplace_back("custom." + gate.name, [this, &gate] { return Custom(gate); });
  }
  return figures;
}

void GateRun::CheckFigures(GateReport& report) {
  const auto figures = Figures();
  if (figures.empty()) return;
  const MeasurePlan& plan = inputs_.spec.measure;
  const auto& pause = world_.load.journey.pause;
  std::vector<Tally> tallies(figures.size());
  bool goes_on = plan.initial_delay <= Duration::zero() || pause(plan.initial_delay);
  for (int64_t round = 0; goes_on && round < plan.count; ++round) {
    if (round > 0 && !pause(plan.interval)) break;
    goes_on = false;
    for (size_t i = 0; i < figures.size(); ++i) {
      Tally& tally = tallies[i];
      if (tally.decided) continue;
      GateCheck check = figures[i].second();
      ++tally.rounds;
      const bool passed = check.verdict == GateVerdict::kPass;
      const bool failed = check.verdict == GateVerdict::kFail;
      tally.successes += passed ? 1 : 0;
      tally.in_a_row = passed ? tally.in_a_row + 1 : 0;
      tally.failures += failed ? 1 : 0;
      tally.last = std::move(check);
      tally.decided = tally.failures > plan.failure_limit ||
                      (plan.consecutive_success > 0 && tally.in_a_row >= plan.consecutive_success);
      goes_on = goes_on || !tally.decided;
    }
  }
  for (Tally& tally : tallies) {
    if (tally.rounds == 0) {
      tally.last.why = "interrupted before it was measured";
    } else if (tally.failures > plan.failure_limit) {
      tally.last.verdict = GateVerdict::kFail;
    } else if (tally.last.verdict == GateVerdict::kFail) {
      // Tolerated; what the other rounds said counts.
      tally.last.verdict = tally.successes > 0 ? GateVerdict::kPass : GateVerdict::kInconclusive;
      tally.last.why += ", tolerated by failure_limit";
    } else if (tally.last.verdict == GateVerdict::kPass && plan.consecutive_success > 0 &&
               tally.in_a_row < plan.consecutive_success) {
      tally.last.verdict = GateVerdict::kInconclusive;
      tally.last.why = "only " + std::to_string(tally.in_a_row) + " of " +
                       std::to_string(plan.consecutive_success) + " successes in a row";
    }
    report.checks.push_back(std::move(tally.last));
  }
  for (size_t i = 0; i < figures.size(); ++i) {
    GateCheck& check = report.checks[report.checks.size() - figures.size() + i];
    check.id = figures[i].first;
  }
}

std::map<std::string, double> GateRun::MeasureBaseline() {
  std::map<std::string, double> figures;
  for (const char* query : {"response_time_p95", "memory_usage", "error_rate"}) {
    if (const Answer answer = Ask(query, inputs_.color); answer.value) {
      figures[query] = *answer.value;
    }
  }
  return figures;
}

GateCheck GateRun::ServerSide(std::string id, std::string_view query, double limit, GateUnit unit,
                              bool needs_requests) {
  GateCheck check{.id = std::move(id), .unit = unit, .limit = limit};
  const Answer trust = Trust(needs_requests);
  const Answer answer = Ask(query, inputs_.color);
  check.what = std::string(query) + " of " + inputs_.color;
  check.query = answer.query;
  check.samples = trust.samples;
  check.value = answer.value;
  check.verdict = answer.verdict;
  check.why = answer.why;
  Judge(check);
  if (answer.value && !trust.why.empty()) {
    check.verdict = trust.verdict;
    check.why = trust.why;
  }
  return check;
}

// The comparisons with the baseline.

GateCheck GateRun::Degradation(double limit) {
  GateCheck check = ServerSide("", "response_time_p95", limit, GateUnit::kRatio, true);
  check.what = "95th percentile above the baseline's";
  const std::optional<double> own = check.value;
  check.value.reset();
  if (!own || check.verdict == GateVerdict::kInconclusive) return check;
  const Answer base = Base("response_time_p95");
  check.verdict = base.verdict;
  check.why = base.why;
  if (!base.value) return check;
  CompareWith(*base.value, GateUnit::kSeconds, *own, check);
  const double delta = *own - *base.value;
  if (*base.value > 0) {
    check.value = delta / *base.value;
    Judge(check);
  } else {
    // A log's resolution gives 0 for what is faster, and no ratio to it: min_delta alone decides.
    check.verdict = GateVerdict::kFail;
    check.why = "the baseline's 95th percentile is 0";
  }
  const std::string pair = FormatSpan(*own) + " against " + FormatSpan(*base.value);
  if (check.verdict == GateVerdict::kFail && delta <= inputs_.spec.rollback->min_delta) {
    check.verdict = GateVerdict::kPass;
    check.why =
        pair + " differ by less than min_delta, " + FormatSpan(inputs_.spec.rollback->min_delta);
  } else if (check.verdict == GateVerdict::kFail) {
    check.why += ": " + pair;
  }
  return check;
}

GateCheck GateRun::ErrorIncrease(double limit) {
  GateCheck check = ServerSide("", "error_rate", limit, GateUnit::kRatio, true);
  check.what = "error rate above the baseline's";
  const std::optional<double> own = check.value;
  check.value.reset();
  if (!own || check.verdict == GateVerdict::kInconclusive) return check;
  const Answer base = Base("error_rate");
  check.verdict = base.verdict;
  check.why = base.why;
  if (!base.value) return check;
  CompareWith(*base.value, GateUnit::kRatio, *own, check);
  check.value = *own - *base.value;
  Judge(check);
  return check;
}

GateCheck GateRun::MemorySpike(double limit) {
  GateCheck check = ServerSide("", "memory_usage", limit, GateUnit::kRatio, false);
  check.what = "memory above the baseline's at the same age";
  const std::optional<double> own = check.value;
  check.value.reset();
  if (!own || check.verdict == GateVerdict::kInconclusive) return check;
  const Answer base = BaseMemory();
  check.verdict = base.verdict;
  check.why = base.why;
  if (!base.value) return check;
  CompareWith(*base.value, GateUnit::kBytes, *own, check);
  if (*base.value <= 0) {
    check.verdict = GateVerdict::kInconclusive;
    check.why = "the baseline uses no memory";
    return check;
  }
  check.value = *own / *base.value - 1;
  Judge(check);
  const std::string pair = FormatSize(*own) + " against " + FormatSize(*base.value);
  if (check.verdict == GateVerdict::kFail) check.why += ": " + pair;
  if (check.verdict == GateVerdict::kPass && !base.why.empty()) check.why = base.why;
  return check;
}

// The rules of a rule file, of the new color alone: what holds now is pending or firing, or will
// be.
GateCheck GateRun::Alerts() {
  GateCheck check{.id = "alerts",
                  .what = "no alert rule holds for " + inputs_.color,
                  .unit = GateUnit::kNumber,
                  .limit = 0,
                  .samples = inputs_.alerts.size()};
  if (inputs_.alerts.empty()) {
    check.why = "no alert rules are given; name their files with --rules";
    return check;
  }
  std::string holding;
  double count = 0;
  for (const WatchedAlert& alert : inputs_.alerts) {
    const std::string own = OwnExpression(alert.expr, inputs_.color);
    const std::string& expr = own.empty() ? alert.expr : own;
    const Result<std::vector<MetricSample>> samples =
        world_.metrics.Query(expr, world_.load.journey.clock.Now());
    if (!samples.ok()) {
      const ErrorCode code = samples.error().code;
      const bool unreachable = code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout;
      check.verdict = unreachable ? GateVerdict::kUnreachable : GateVerdict::kError;
      check.why = alert.name + ": " + samples.error().message;
      return check;
    }
    const auto ours = std::ranges::count_if(*samples, [&](const MetricSample& sample) {
      return !own.empty() || sample.labels.Get("color") == inputs_.color;
    });
    if (ours == 0) continue;
    count += static_cast<double>(ours);
    holding += (holding.empty() ? "" : ", ") + alert.name;
    if (check.query.empty()) check.query = expr;
  }
  check.value = count;
  Judge(check);
  if (check.verdict == GateVerdict::kFail) check.why = "these hold: " + holding;
  return check;
}

GateCheck GateRun::Custom(const CustomGate& gate) {
  const std::string expr = FilledQuery(gate.query, inputs_.color, inputs_.spec.window);
  const Answer answer = AskOne(expr, world_.load.journey.clock.Now());
  GateCheck check{.id = "custom." + gate.name,
                  .what = gate.name,
                  .verdict = answer.verdict,
                  .value = answer.value,
                  .query = expr,
                  .why = answer.why};
  for (const bool least : {false, true}) {
    const std::optional<double>& limit = least ? gate.min : gate.max;
    if (!limit || check.verdict == GateVerdict::kFail) continue;
    check.limit = limit;
    check.limit_is_least = least;
    Judge(check);
  }
  return check;
}

}  // namespace tocsin::delivery
