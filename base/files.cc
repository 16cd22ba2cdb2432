#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace tocsin {
namespace {

Error SystemError(std::string_view doing, const std::string& path) {
  const int number = errno;
  std::string message = fmt::format("{} {}: {}", doing, path, std::strerror(number));
  if (number == ENOENT) return NotFound(std::move(message));
  if (number == EACCES || number == EPERM) return PermissionDenied(std::move(message));
  if (number == ENOSPC || number == EDQUOT) return ResourceExhausted(std::move(message));
  return Unavailable(std::move(message));
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0666)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return SystemError("write", path);
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  return Ok();
}

}  // namespace

Result<std::string> RealFileSystem::Read(const std::string& path, size_t max_bytes) const {
  const Descriptor file(path, O_RDONLY);
  if (!file.ok()) return SystemError("open", path);
  std::string content;
  size_t filled = 0;
  while (true) {
    content.resize(std::max<size_t>(filled * 2, 4096));
    const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0) {
      if (errno == EINTR) continue;
      return SystemError("read", path);
    }
    if (got == 0) break;
    filled += static_cast<size_t>(got);
    if (filled > max_bytes) {
      return ResourceExhausted(fmt::format("read {}: larger than {} bytes", path, max_bytes));
    }
  }
  content.resize(filled);
  return content;
}

Status RealFileSystem::WriteAtomically(const std::string& path, std::string_view content) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return Unavailable(fmt::format("create {}: {}", folder.string(), error.message()));
  }
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  Status status = [&]() -> Status {
    const Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.ok()) return SystemError("create", temporary);
    RETURN_IF_ERROR(WriteAll(file.get(), content, temporary));
    if (::fsync(file.get()) != 0) return SystemError("sync", temporary);
    return Ok();
  }();
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = SystemError("rename to", path);
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

Status RealFileSystem::Append(const std::string& path, std::string_view content) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND);
  if (!file.ok()) return SystemError("open", path);
  return WriteAll(file.get(), content, path);
}

Status RealFileSystem::Remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return SystemError("remove", path);
  return Ok();
}

bool RealFileSystem::Exists(const std::string& path) const {
  return ::access(path.c_str(), F_OK) == 0;
}

std::vector<std::string> RealFileSystem::Glob(const std::string& pattern) const {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<std::vector<std::string>> RealFileSystem::List(const std::string& folder) const {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(folder, error);
  if (error) return NotFound(fmt::format("list {}: {}", folder, error.message()));
  const std::filesystem::directory_iterator end;
  while (entry != end) {
    names.push_back(entry->path().filename().string());
    entry.increment(error);
    if (error) return Unavailable(fmt::format("list {}: {}", folder, error.message()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string ResolvePath(const std::string& base_file, const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  return (std::filesystem::path(base_file).parent_path() / path).lexically_normal().string();
}

}  // namespace tocsin
