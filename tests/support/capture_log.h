// A logger that keeps its lines.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/log.h"

namespace tocsin::testing_support {

// Thread safety: all methods may be called from any thread.
class CaptureLog final : public Logger {
 public:
  void Log(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(FormatLogEntry(LogFormat::kLogfmt, "0", level, message, fields));
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  // All lines, one under the other.
  std::string text() const {
    std::string all;
    for (const std::string& line : lines()) all += line + "\n";
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace tocsin::testing_support
