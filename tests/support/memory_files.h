// A file system in memory, whose disk can be full.
#pragma once

#include <fnmatch.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/files.h"

namespace tocsin::testing_support {

// Thread safety: all methods may be called from any thread.
class MemoryFiles final : public FileSystem {
 public:
  MemoryFiles() = default;
  MemoryFiles(std::initializer_list<std::pair<const std::string, std::string>> files)
      : files_(files) {}

  void set_disk_full(bool full) { disk_full_ = full; }
  void Put(const std::string& path, std::string content) {
    const std::lock_guard lock(mutex_);
    files_[path] = std::move(content);
  }

  Result<std::string> Read(const std::string& path, size_t max_bytes) const override {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(path);
    if (found == files_.end()) return NotFound("open " + path + ": No such file or directory");
    if (found->second.size() > max_bytes) return ResourceExhausted("read " + path + ": too large");
    return found->second;
  }
  Status WriteAtomically(const std::string& path, std::string_view content) override {
    const std::lock_guard lock(mutex_);
    if (disk_full_) return ResourceExhausted("write " + path + ": No space left on device");
    files_[path] = std::string(content);
    return Ok();
  }
  Status Append(const std::string& path, std::string_view content) override {
    const std::lock_guard lock(mutex_);
    if (disk_full_) return ResourceExhausted("write " + path + ": No space left on device");
    files_[path] += content;
    return Ok();
  }
  Status Remove(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (files_.erase(path) == 0) return NotFound("remove " + path + ": No such file or directory");
    return Ok();
  }
  bool Exists(const std::string& path) const override {
    const std::lock_guard lock(mutex_);
    return files_.contains(path);
  }
  std::vector<std::string> Glob(const std::string& pattern) const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> paths;
    for (const auto& [path, content] : files_) {
      if (::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0) paths.push_back(path);
    }
    return paths;
  }
  Result<std::vector<std::string>> List(const std::string& folder) const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    const std::string prefix = folder + "/";
    for (const auto& [path, content] : files_) {
      if (!path.starts_with(prefix)) continue;
      const std::string name =
          path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size());
      if (names.empty() || names.back() != name) names.push_back(name);
    }
    if (names.empty()) return NotFound("list " + folder + ": No such file or directory");
    return names;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> files_;
  bool disk_full_ = false;
};

}  // namespace tocsin::testing_support
