// The kernels of the functions, grouped by the file that defines them. The rows of
// function_table.cc name them.
#pragma once

#include "engine/promql/function_table.h"

namespace tocsin::promql {

}  // namespace tocsin::promql
