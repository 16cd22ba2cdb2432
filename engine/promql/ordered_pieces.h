// A long text made in pieces by several threads and used in its order by one.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/executor.h"

namespace tocsin::promql {

// Writes piece `index` into `text`, which is empty but may have memory from before. Called from
// any thread, for several pieces at a time.
using MakePiece = std::function<void(size_t index, std::string& text)>;
// False: no more pieces are wanted.
using UsePiece = std::function<bool(const std::string& text)>;

// Makes `count` pieces on the calling thread and, a few ahead of the one that is used, on
// `helpers`, which may be null; uses each on the calling thread, in order. A helper never waits:
// neither for a slow `use` nor for another helper. Returns whether all pieces were used.
bool UseInOrder(Executor* helpers, size_t count, const MakePiece& make, const UsePiece& use);

}  // namespace tocsin::promql
