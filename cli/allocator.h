// How the process asks the kernel for memory.
#pragma once

namespace tocsin::cli {

// Small and steady rather than fast to allocate: the hot paths do not allocate. To be called before
// the first thread starts. Without effect where the C library is not glibc.
void TuneAllocator();

}  // namespace tocsin::cli
