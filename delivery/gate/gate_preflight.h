// Whether a gate can pass and can fail at all, found out before a deployment depends on it.
#pragma once

#include <string>
#include <vector>

#include "delivery/gate/gate_run.h"

namespace tocsin::delivery {

struct GateFinding {
  enum class Kind {
    kOk,
    kNote,     // to be known: the color does not run yet
    kProblem,  // a check that always passes, or never
  };
  Kind kind = Kind::kOk;
  std::string subject;  // "performance_validation.error_rate_max", "query error_rate"
  std::string text;
};
std::string_view NameOf(GateFinding::Kind kind);

// What the file alone tells: limits out of reach, plans that cannot succeed, expressions that do
// not parse, do not ask about the color, or have another unit than their limit.
std::vector<GateFinding> FindInGateFile(const GateInputs& inputs);

// What a server says to the expressions: which have an answer, and why the others have none (no
// such metric, no label `color`, no series of the color, several series). An error: it cannot be
// asked.
Result<std::vector<GateFinding>> FindOnServer(const GateInputs& inputs, MetricSource& source,
                                              Timestamp now);

std::string RenderFindingsText(const std::vector<GateFinding>& findings);
std::string RenderFindingsJson(const std::vector<GateFinding>& findings);

}  // namespace tocsin::delivery
