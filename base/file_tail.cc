#include "base/file_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tocsin {
namespace {

constexpr size_t kBlock = 64 << 10;

struct FileState {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  bool Same(const FileState& other) const { return device == other.device && inode == other.inode; }
};

std::optional<FileState> StateOf(int fd) {
  struct stat stats {};
  if (::fstat(fd, &stats) != 0) return std::nullopt;
  return FileState{.device = stats.st_dev,
                   .inode = stats.st_ino,
                   .size = static_cast<uint64_t>(std::max<off_t>(stats.st_size, 0))};
}

// A pipe or a device would block; only files are followed.
Result<int> OpenFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const std::string text = "open " + path + ": " + std::strerror(errno);
    return errno == ENOENT ? NotFound(text) : Unavailable(text);
  }
  struct stat stats {};
  if (::fstat(fd, &stats) != 0 || !S_ISREG(stats.st_mode)) {
    ::close(fd);
    return InvalidArgument(path + " is no regular file");
  }
  return fd;
}

void Close(std::optional<int>& fd) {
  if (fd) ::close(*fd);
  fd.reset();
}

}  // namespace

FileTail::FileTail(std::string path) : path_(std::move(path)) {}

FileTail::~FileTail() {
  Close(fd_);
  Close(next_fd_);
}

Status FileTail::OpenFirst() {
  Result<int> opened = OpenFile(path_);
  if (!opened.ok()) {
    missing_at_first_ = missing_at_first_ || opened.error().code == ErrorCode::kNotFound;
    return opened.error();
  }
  fd_ = *opened;
  if (missing_at_first_) return Ok();  // all of it is new
  const std::optional<FileState> state = StateOf(*fd_);
  offset_ = state ? state->size : 0;
  char last = '\n';
  if (offset_ > 0 && ::pread(*fd_, &last, 1, static_cast<off_t>(offset_ - 1)) != 1) last = '\n';
  skipping_ = last != '\n';
  return Ok();
}

bool FileTail::WasTruncated() const {
  const std::optional<FileState> state = StateOf(*fd_);
  if (!state || state->size < offset_) return true;
  const uint64_t line_end = offset_ - partial_.size();
  if (skipping_ || line_end == 0) return false;
  char last = '\n';
  return ::pread(*fd_, &last, 1, static_cast<off_t>(line_end - 1)) == 1 && last != '\n';
}

void FileTail::StartOver() {
  offset_ = 0;
  partial_.clear();
  skipping_ = false;
}

Result<FileTail::Progress> FileTail::Read(const Limits& limits,
                                          const std::function<void(std::string_view)>& take) {
  Progress progress;
  if (!fd_) {
    RETURN_IF_ERROR(OpenFirst());
    if (!missing_at_first_) return progress;
  }
  if (WasTruncated()) {
    ++progress.rotations;
    StartOver();
  }
  size_t budget = limits.max_bytes;
  ASSIGN_OR_RETURN(bool at_end, Drain(limits, budget, progress, take));
  // As long as nothing is written to the new file, the writer may still have the old one.
  const std::optional<FileState> next = next_fd_ ? StateOf(*next_fd_) : std::nullopt;
  if (at_end && next && next->size > 0) {
    Close(fd_);
    fd_ = std::exchange(next_fd_, std::nullopt);
    StartOver();
    ++progress.rotations;
    ASSIGN_OR_RETURN(at_end, Drain(limits, budget, progress, take));
  }
  if (!next_fd_) {
    // Kept open at once, so that a second rotation cannot take it away unread.
    Result<int> named = OpenFile(path_);
    if (named.ok()) {
      next_fd_ = *named;
      const auto ours = StateOf(*fd_);
      const auto theirs = StateOf(*next_fd_);
      if (!ours || !theirs || ours->Same(*theirs)) Close(next_fd_);
    }
  }
  const std::optional<FileState> state = StateOf(*fd_);
  if (state && state->size > offset_) progress.bytes_left = state->size - offset_;
  return progress;
}

Result<bool> FileTail::Drain(const Limits& limits, size_t& budget, Progress& progress,
                             const std::function<void(std::string_view)>& take) {
  std::array<char, kBlock> block;
  while (budget > 0) {
    if (limits.enough && limits.enough()) return false;
    const ssize_t got =
        ::pread(*fd_, block.data(), std::min(block.size(), budget), static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unavailable("read " + path_ + ": " + std::strerror(errno));
    if (got == 0) return true;
    offset_ += static_cast<uint64_t>(got);
    budget -= static_cast<size_t>(got);
    Take(std::string_view(block.data(), static_cast<size_t>(got)), limits, progress, take);
  }
  return false;
}

void FileTail::Take(std::string_view bytes, const Limits& limits, Progress& progress,
                    const std::function<void(std::string_view)>& take) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (!skipping_ && partial_.size() + piece.size() > limits.max_line_bytes) {
      skipping_ = true;
      partial_.clear();
      ++progress.dropped_lines;
    }
    if (end == std::string_view::npos) {
      if (!skipping_) partial_ += piece;
      return;
    }
    if (std::exchange(skipping_, false)) continue;
    if (!partial_.empty()) {
      partial_ += piece;
      piece = partial_;
    }
    if (piece.ends_with('\r')) piece.remove_suffix(1);
    ++progress.lines;
    take(piece);
    partial_.clear();
  }
}

}  // namespace tocsin
