// A tar archive in memory.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace tocsin::cli {

// Format: POSIX.1-1988 ustar, regular files only. Not thread-safe.
class TarArchive {
 public:
  // `name` of at most 100 bytes.
  void Add(std::string_view name, std::string_view content, Timestamp modified);
  // With the two empty blocks that end an archive.
  std::string Take();

 private:
  std::string bytes_;
};

}  // namespace tocsin::cli
