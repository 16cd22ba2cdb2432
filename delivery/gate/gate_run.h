// Runs a deployment's gates.
//
// The new version is known by the value of the label `color`; the baseline is another color that
// serves at the same time, or figures recorded before. Whatever is not known (no data, NaN, stale
// samples, too few requests) is inconclusive, never a pass.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "delivery/gate/gate_file.h"
#include "delivery/gate/gate_report.h"
#include "delivery/load/load_run.h"
#include "delivery/metric_source.h"

namespace tocsin::delivery {

enum class GatePhase {
  kPre,   // before any traffic: health, load on the color directly, the figures under that load
  kStep,  // at each share of the traffic: figures, comparison with the baseline, alerts
  kPost,  // with all of the traffic: health, figures, comparison, alerts
  kAll,
};
Result<GatePhase> ParseGatePhase(std::string_view text);
std::string_view NameOf(GatePhase phase);
// "${color}" and "${window}" replaced.
std::string FilledQuery(std::string text, const std::string& color, Duration window);
// Whether the phase is one of these, or all of them.
bool IncludesPhase(GatePhase phase, std::initializer_list<GatePhase> phases);

// An alerting rule, as rule files say it.
struct WatchedAlert {
  std::string name;
  std::string expr;
};

struct GateInputs {
  GateSpec spec;
  std::string file;
  GatePhase phase = GatePhase::kAll;
  std::string color;
  std::string baseline;                    // "": none serves
  std::map<std::string, double> recorded;  // of an earlier baseline, by name of the query
  std::vector<Journey> mix;                // of the load test; empty: the health endpoints
  std::vector<WatchedAlert> alerts;
  bool skip_load = false;
  // Probes (health and load) are not made: the gate looks at the past. These, made then, count.
  bool only_figures = false;
  std::vector<GateCheck> probed;
};

struct GateWorld {
  LoadWorld load;  // its journey.base_url is the color's own address
  MetricSource& metrics;
};

class GateRun {
 public:
  // `inputs` and what the world refers to outlive the run.
  GateRun(const GateInputs& inputs, GateWorld world) : inputs_(inputs), world_(std::move(world)) {}

  GateReport Run();
  // The figures that a later gate can take as its baseline; those that are not known are left out.
  std::map<std::string, double> MeasureBaseline();

  // The expressions that a check asks, with color and window filled in; for --explain and --check.
  std::vector<std::string> Expressions(std::string_view query, const std::string& color) const {
    return Expressions(query, color, inputs_.spec.window);
  }

 private:
  // A number, or the verdict and the reason why there is none.
  struct Answer {
    std::optional<double> value;
    GateVerdict verdict = GateVerdict::kInconclusive;
    std::string why;
    std::string query;
    uint64_t samples = 0;
  };
  struct Measurements;
  struct Tally;

  void CheckHealth(GateReport& report);
  void CheckLoad(GateReport& report);
  void CheckFigures(GateReport& report);
  GateCheck CheckEndpoint(const JourneyStep& endpoint, SteadyTime deadline, uint64_t& good);
  bool WaitForEndpoint(const JourneyStep& endpoint, SteadyTime deadline, std::string& problem);

  std::vector<std::pair<std::string, std::function<GateCheck()>>> Figures();
  GateCheck ServerSide(std::string id, std::string_view query, double limit, GateUnit unit,
                       bool needs_requests);
  GateCheck Degradation(double limit);
  GateCheck ErrorIncrease(double limit);
  GateCheck MemorySpike(double limit);
  GateCheck Compare(std::string_view query);
  GateCheck Alerts();
  GateCheck Custom(const CustomGate& gate);

  std::vector<std::string> Expressions(std::string_view query, const std::string& color,
                                       Duration window) const;
  Measurements Measure(std::string_view query, const std::string& color);
  Answer Ask(std::string_view query, const std::string& color);
  Answer AskOne(const std::string& expr, Timestamp at);
  Answer Base(std::string_view query);
  Answer BaseMemory();
  // Why the color's figures decide nothing; "" when they do.
  Answer Trust(bool needs_requests);

  const GateInputs& inputs_;
  const GateWorld world_;
};

}  // namespace tocsin::delivery
