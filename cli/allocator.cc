#include "cli/allocator.h"

#include <cstdlib>  // defines __GLIBC__

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace tocsin::cli {

void TuneAllocator() {
#ifdef __GLIBC__
  // One arena: with one per thread, what a scrape on this thread freed is of no use to the next
  // scrape on that one.
  mallopt(M_ARENA_MAX, 1);
  // Fixed thresholds: by itself glibc would raise them with the first page that is freed, and keep
  // the memory of large pages and results from then on.
  constexpr int kThresholdBytes = 128 * 1024;
  mallopt(M_MMAP_THRESHOLD, kThresholdBytes);
  mallopt(M_TRIM_THRESHOLD, kThresholdBytes);
#endif
}

}  // namespace tocsin::cli
