// A gates file with everything that it left out.
#pragma once

#include <string>

#include "delivery/gate/gate_run.h"

namespace tocsin::delivery {

// Every key with its value or default, in the file's own form, then every query with color and
// window filled in. Sections that the file does not have are not checked and not printed.
std::string ExplainGate(const GateInputs& inputs, const GateRun& run);

}  // namespace tocsin::delivery
