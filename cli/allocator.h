// How the process asks the kernel for memory, and gives it back.
#pragma once

namespace tocsin::cli {

// Small and steady rather than fast to allocate: the hot paths do not allocate. To be called before
// the first thread starts. Without effect where the C library is not glibc.
void TuneAllocator();

// Gives back what only starting needed: the program and its libraries were read to be linked and
// initialized, and most of that never runs again. The kernel keeps the files cached; what is needed
// after all is mapped again, a microsecond a page. Thread-safe. Without effect where the C library
// is not glibc.
void ReleaseStartupMemory();

}  // namespace tocsin::cli
