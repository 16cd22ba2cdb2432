#include "delivery/gate/gate_run.h"

#include <algorithm>

#include "base/quantity.h"

namespace tocsin::delivery {
namespace {

constexpr std::string_view kHealth = "health_check";
constexpr std::string_view kPhases[] = {"pre", "step", "post", "all"};

}  // namespace

Result<GatePhase> ParseGatePhase(std::string_view text) {
  const auto found = std::ranges::find(kPhases, text);
  if (found == std::end(kPhases)) {
    return InvalidArgument("\"" + std::string(text) + "\" is not one of pre, step, post, all");
  }
  return static_cast<GatePhase>(found - std::begin(kPhases));
}

bool IncludesPhase(GatePhase phase, std::initializer_list<GatePhase> phases) {
  return phase == GatePhase::kAll || std::ranges::count(phases, phase) > 0;
}

std::string_view NameOf(GatePhase phase) { return kPhases[static_cast<size_t>(phase)]; }

GateReport GateRun::Run() {
  GateReport report{.file = inputs_.file,
                    .phase = std::string(NameOf(inputs_.phase)),
                    .color = inputs_.color,
                    .baseline = inputs_.baseline};
  const SteadyTime begin = world_.load.journey.clock.Steady();
  report.began = world_.load.journey.clock.Now();
  report.checks = inputs_.probed;
  const bool probes = !inputs_.only_figures;
  if (probes && inputs_.spec.health &&
      IncludesPhase(inputs_.phase, {GatePhase::kPre, GatePhase::kPost})) {
    CheckHealth(report);
  }
  // Load on something that is not healthy tells nothing more.
  const bool healthy = std::ranges::none_of(report.checks, [](const GateCheck& check) {
    return check.id.starts_with(kHealth) && check.verdict != GateVerdict::kPass;
  });
  if (healthy) {
    if (probes && inputs_.spec.load && !inputs_.skip_load &&
        IncludesPhase(inputs_.phase, {GatePhase::kPre})) {
      CheckLoad(report);
    }
    // Before there is traffic, figures are those of the load; without it there are none to judge.
    const bool none = inputs_.phase == GatePhase::kPre && inputs_.skip_load;
    if (!none) CheckFigures(report);
  }
  for (GateCheck& check : report.checks) {
    for (const auto& [name, limit] : inputs_.spec.warn) {
      if (IsUnder(check.id, name)) Warn(check, limit);
    }
  }
  const OnInconclusive policy = inputs_.spec.on_inconclusive;
  Decide(report,
         policy == OnInconclusive::kFail   ? GateVerdict::kFail
         : policy == OnInconclusive::kPass ? GateVerdict::kPass
                                           : GateVerdict::kInconclusive,
         inputs_.spec.score);
  report.took = std::chrono::duration_cast<Duration>(world_.load.journey.clock.Steady() - begin);
  return report;
}

// Health: each endpoint has to answer once before the deadline; then its samples are taken.

bool GateRun::WaitForEndpoint(const JourneyStep& endpoint, SteadyTime deadline,
                              std::string& problem) {
  const HealthGate& gate = *inputs_.spec.health;
  const Journey journey{.name = endpoint.name, .steps = {endpoint}};
  JourneyWorld world = world_.load.journey;
  world.timeout = gate.try_timeout;
  for (;;) {
    const JourneyOutcome outcome = RunJourney(journey, "gate", world);
    if (outcome.ok) return true;
    problem = outcome.steps.back().problem;
    if (world.clock.Steady() + gate.wait_interval > deadline) return false;
    if (!world.pause(gate.wait_interval)) return false;
  }
}

GateCheck GateRun::CheckEndpoint(const JourneyStep& endpoint, SteadyTime deadline, uint64_t& good) {
  const HealthGate& gate = *inputs_.spec.health;
  GateCheck check{.id = std::string(kHealth) + " " + endpoint.path,
                  .what = "the color answers " + endpoint.method + " " + endpoint.path,
                  .unit = GateUnit::kRatio,
                  .probed = true};
  std::string problem;
  if (!WaitForEndpoint(endpoint, deadline, problem)) {
    check.verdict = GateVerdict::kFail;
    check.why = "no success within " + FormatSpan(ToSeconds(gate.timeout)) + ": " + problem;
    return check;
  }
  const Journey journey{.name = endpoint.name, .steps = {endpoint}};
  JourneyWorld world = world_.load.journey;
  world.timeout = gate.try_timeout;
  uint64_t passed = 0;
  for (int64_t sample = 0; sample < gate.samples; ++sample) {
    bool ok = false;
    for (int64_t tries = 0; !ok && tries <= gate.retries; ++tries) {
      const JourneyOutcome outcome = RunJourney(journey, "gate", world);
      ok = outcome.ok;
      if (!ok) problem = outcome.steps.back().problem;
    }
    passed += ok ? 1 : 0;
  }
  good += passed;
  check.samples = static_cast<uint64_t>(gate.samples);
  check.value = static_cast<double>(passed) / static_cast<double>(gate.samples);
  check.verdict = GateVerdict::kPass;
  if (passed < check.samples) check.why = "at last: " + problem;
  return check;
}

void GateRun::CheckHealth(GateReport& report) {
  const HealthGate& gate = *inputs_.spec.health;
  const SteadyTime deadline = world_.load.journey.clock.Steady() + gate.timeout;
  uint64_t good = 0;
  GateCheck all{.id = std::string(kHealth) + ".success_rate",
                .what = "good samples of all endpoints",
                .unit = GateUnit::kRatio,
                .limit = gate.success_rate,
                .limit_is_least = true,
                .probed = true};
  bool answered = true;
  for (const JourneyStep& endpoint : gate.endpoints) {
    report.checks.push_back(CheckEndpoint(endpoint, deadline, good));
    answered = answered && report.checks.back().verdict == GateVerdict::kPass;
    all.samples += static_cast<uint64_t>(gate.samples);
  }
  if (!answered) return;
  all.value = static_cast<double>(good) / static_cast<double>(all.samples);
  Judge(all);
  report.checks.push_back(std::move(all));
}

// Load, and what clients saw of it.

void GateRun::CheckLoad(GateReport& report) {
  const LoadGate& gate = *inputs_.spec.load;
  LoadPlan plan{.rate = gate.rate,
                .users = static_cast<int>(std::min<int64_t>(gate.users, 1000)),
                .duration = gate.duration,
                .ramp = gate.ramp,
                .required_success = gate.success_rate,
                .mix = inputs_.mix};
  if (plan.mix.empty() && inputs_.spec.health) {
    for (const JourneyStep& endpoint : inputs_.spec.health->endpoints) {
      plan.mix.push_back({.name = endpoint.name, .steps = {endpoint}});
    }
  }
  GateCheck success{.id = "load_testing.success_rate",
                    .what = "journeys that succeed under load",
                    .unit = GateUnit::kRatio,
                    .limit = gate.success_rate,
                    .limit_is_least = true,
                    .probed = true};
  if (const Status status = CheckPlan(plan); !status.ok()) {
    success.verdict = GateVerdict::kError;
    success.why = status.error().message;
    report.checks.push_back(std::move(success));
    return;
  }
  report.load = RunLoad(plan, "gate", world_.load);
  success.samples = report.load->started;
  if (report.load->started > 0) success.value = report.load->success_ratio();
  if (!success.value) success.why = "not one journey began";
  Judge(success);
  if (report.load->interrupted) {
    success.verdict = GateVerdict::kInconclusive;
    success.why = "interrupted";
  }
  if (!report.load->setup_problem.empty()) {
    success.verdict = GateVerdict::kFail;
    success.why = "no load: " + report.load->setup_problem;
  }
  report.checks.push_back(std::move(success));
  if (!inputs_.spec.performance || !inputs_.spec.performance->response_time_p95) return;
  GateCheck client{.id = "performance_validation.response_time_p95 client",
                   .what = "95th percentile as clients see it, from the intended send time",
                   .unit = GateUnit::kSeconds,
                   .limit = inputs_.spec.performance->response_time_p95,
                   .samples = report.load->latency.count(),
                   .probed = true};
  if (client.samples > 0) {
    client.value = std::chrono::duration<double>(report.load->latency.Quantile(0.95)).count();
  }
  Judge(client);
  report.checks.push_back(std::move(client));
}

}  // namespace tocsin::delivery
