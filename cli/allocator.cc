#include "cli/allocator.h"

#include <cstdint>
#include <cstdlib>  // defines __GLIBC__
#include <span>

#ifdef __GLIBC__
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace tocsin::cli {
namespace {

#ifdef __GLIBC__
// Segments that are not writable hold what the file holds, and nothing else.
int ReleaseReadOnlySegments(dl_phdr_info* object, size_t, void* page_bytes) {
  const uintptr_t page = *static_cast<const uintptr_t*>(page_bytes);
  for (const ElfW(Phdr) & header : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) != 0) continue;
    const uintptr_t from = (object->dlpi_addr + header.p_vaddr) / page * page;
    const uintptr_t to = object->dlpi_addr + header.p_vaddr + header.p_filesz;
    // The vdso is not of a file and refuses.
    ::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
  }
  return 0;
}
#endif

}  // namespace

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

void ReleaseStartupMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
  auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  dl_iterate_phdr(&ReleaseReadOnlySegments, &page);
#endif
}

}  // namespace tocsin::cli
