// Anchored and smoothed ranges and selectors, for the naive evaluator: what a series is at the
// edges of a window rather than what lies in it.
#pragma once

#include <optional>
#include <string_view>

#include "tests/support/naive_functions.h"
#include "tests/support/naive_notes.h"

namespace tocsin::testing_support {

enum class NaiveEdge { kAnchored, kSmoothed };

// Of samples around (start, end]: the newest one at or before the start and those inside, and with
// a smoothed window the first one beyond the end. `window.all` has what lookback allows on both
// sides, without staleness markers.
NaiveWindow NaiveExtendedWindow(const NaiveWindow& window, NaiveEdge edge);

// rate, increase and delta of such a window.
std::optional<NaiveNumber> NaiveExtendedRate(std::string_view function, const NaiveWindow& window,
                                             NaiveEdge edge, NaiveNotes& notes);

// The value at `t_ms`: of a sample then, on the line between the samples around it, or of the last
// one before it.
std::optional<NaiveNumber> NaiveSmoothedValue(const NaiveWindow& window, int64_t t_ms,
                                              NaiveNotes& notes);

}  // namespace tocsin::testing_support
