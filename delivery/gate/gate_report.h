// What a gate has decided, and on what grounds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "delivery/gate/gate_file.h"
#include "delivery/load/load_report.h"

namespace tocsin::delivery {

enum class GateVerdict {
  kPass,
  kWarn,  // passes, beyond the limit at which somebody should look
  kFail,
  kInconclusive,  // no data, NaN, too few requests: nothing is known, so nothing is promised
  kError,         // the question is wrong: a refused query, several series where one is meant
  kUnreachable,   // the server of the figures cannot be asked
};
std::string_view NameOf(GateVerdict verdict);

// In JSON: "s", "bytes", "ratio" and "".
enum class GateUnit { kSeconds, kBytes, kRatio, kNumber };
std::string FormatQuantity(double value, GateUnit unit);

struct GateCheck {
  std::string id;    // "performance_validation.error_rate_max"
  std::string what;  // for people
  GateVerdict verdict = GateVerdict::kInconclusive;
  GateUnit unit = GateUnit::kNumber;
  std::optional<double> value;
  std::optional<double> limit;
  bool limit_is_least = false;  // the value must not be below it; else not above
  std::optional<double> base;   // what the baseline has, in base_unit
  GateUnit base_unit = GateUnit::kNumber;
  std::optional<double> ratio;  // what the color has of that
  uint64_t samples = 0;         // probes, requests or measurements behind the value
  bool probed = false;          // by requests to the color itself, not out of figures
  std::string query;            // "" when no query is behind it
  std::string why;              // of any verdict but kPass; notes otherwise
};

// Compares value and limit where both are known, and says what is wrong.
void Judge(GateCheck& check);
// Makes a check that passes, with a value beyond `limit`, one that warns.
void Warn(GateCheck& check, double limit);

struct GateReport {
  std::string file;
  std::string phase;
  std::string color;
  std::string baseline;
  Timestamp began{};
  Duration took{};
  std::vector<GateCheck> checks;
  std::optional<LoadReport> load;
  std::optional<double> score;  // of the checks' weights, what was earned; with a ScoreGate
  GateVerdict verdict = GateVerdict::kInconclusive;
  int exit_code = 0;
};

// Sets verdict and exit code: 0 pass, or a warning; 1 fail (roll back), 2 inconclusive (hold), 3 a
// wrong question, 4 the server cannot be reached. A failure outweighs everything, since it is
// known.
//
// With `score` only the failure of a key check does. A check earns its weight, half of it with a
// warning, nothing when it fails; the share of all weights decides. What is not known is no matter
// of weights.
void Decide(GateReport& report, GateVerdict inconclusive_counts_as,
            const std::optional<ScoreGate>& score = std::nullopt);

std::string RenderGateText(const GateReport& report, bool colors);
std::string RenderGateJson(const GateReport& report);
// The checks of such a text.
Result<std::vector<GateCheck>> ReadGateChecks(std::string_view json);
std::string RenderGateMarkdown(const GateReport& report);
// JUnit's XML: a test case per check, as CI systems read it.
std::string RenderGateJunit(const GateReport& report);

}  // namespace tocsin::delivery
