// A file that is memory: what is written to it outlives the process, also one that is killed.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace tocsin {

// Thread safety: as of the bytes; the map itself does not change.
class MappedFile {
 public:
  // A file of `size` zeros in place of what was there. Creates the folder.
  static Result<std::unique_ptr<MappedFile>> Create(const std::string& path, size_t size);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<char> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<char> bytes) : bytes_(bytes) {}

  const std::span<char> bytes_;
};

}  // namespace tocsin
