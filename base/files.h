// Files, as an argument: the real ones, or tests/support/memory_files.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Refuses files over `max_bytes`, so that a wrong path cannot eat the memory. Works for /proc
  // files, whose size is unknown beforehand.
  virtual Result<std::string> Read(const std::string& path, size_t max_bytes = 64 << 20) const = 0;
  // The old content or the new one stands at `path` whatever happens in between (temporary file,
  // fsync, rename). Creates the folder.
  virtual Status WriteAtomically(const std::string& path, std::string_view content) = 0;
  virtual Status Append(const std::string& path, std::string_view content) = 0;
  virtual Status Remove(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) const = 0;
  // The paths that match a shell pattern, sorted; the pattern itself when it has no wildcard and
  // exists.
  virtual std::vector<std::string> Glob(const std::string& pattern) const = 0;
  // The names in a folder, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> List(const std::string& folder) const = 0;
};

class RealFileSystem final : public FileSystem {
 public:
  Result<std::string> Read(const std::string& path, size_t max_bytes) const override;
  Status WriteAtomically(const std::string& path, std::string_view content) override;
  Status Append(const std::string& path, std::string_view content) override;
  Status Remove(const std::string& path) override;
  bool Exists(const std::string& path) const override;
  std::vector<std::string> Glob(const std::string& pattern) const override;
  Result<std::vector<std::string>> List(const std::string& folder) const override;
};

// "a/b.yml" relative to the folder of "x/y.yml" is "x/a/b.yml"; absolute paths stay.
std::string ResolvePath(const std::string& base_file, const std::string& path);

}  // namespace tocsin
