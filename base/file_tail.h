// Follows a text file that another program appends to, line by line.
//
// Rotation by rename (logrotate's default): the old file is read to its end, and at every call
// until the new one has something, because its writer goes on for a moment; then the new one from
// its beginning. Rotation
// by truncation (copytruncate): the file is read from its beginning again, told by its size or by a
// line end that is no longer where it was.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin {

// Not thread-safe.
class FileTail {
 public:
  // Opens nothing yet. What is in the file at the first Read is old and is not handed on.
  explicit FileTail(std::string path);
  ~FileTail();
  FileTail(const FileTail&) = delete;
  FileTail& operator=(const FileTail&) = delete;

  struct Limits {
    size_t max_bytes = 64 << 20;
    // A longer line is thrown away as a whole.
    size_t max_line_bytes = 64 << 10;
    std::function<bool()> enough;  // asked now and then; may be empty
  };
  struct Progress {
    size_t lines = 0;
    size_t dropped_lines = 0;  // too long
    size_t rotations = 0;
    uint64_t bytes_left = 0;  // that were there and not read
  };
  // Hands on what has come since the last call, whole lines without their ends. A file that is not
  // there is an error the first time; later it is a rotation under way.
  Result<Progress> Read(const Limits& limits, const std::function<void(std::string_view)>& take);

 private:
  Status OpenFirst();
  // Reads to the end or to a limit; false at a limit.
  Result<bool> Drain(const Limits& limits, size_t& budget, Progress& progress,
                     const std::function<void(std::string_view)>& take);
  void Take(std::string_view bytes, const Limits& limits, Progress& progress,
            const std::function<void(std::string_view)>& take);
  bool WasTruncated() const;
  void StartOver();

  const std::string path_;
  std::optional<int> fd_;
  std::optional<int> next_fd_;  // the file that took the name over
  bool missing_at_first_ = false;
  uint64_t offset_ = 0;    // of what has been read
  std::string partial_;    // a line without an end
  bool skipping_ = false;  // inside a line that is too long, or began before we did
};

}  // namespace tocsin
