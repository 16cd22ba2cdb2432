// The alerts of all rules in a file, so that a new process goes on where the old one was killed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/time.h"
#include "rules/journal_text.h"
#include "rules/rule_group.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread.
class AlertJournal {
 public:
  AlertJournal(std::string path, FileSystem& files, Logger& log);

  // What an earlier process has left, not older than `tolerance`. Nothing when there is no
  // journal that can be read.
  std::optional<std::vector<JournalGroup>> Load(Timestamp now, Duration tolerance);
  // After an evaluation. Saves when it matters: an alert has changed its state, or its time runs.
  void Update(const RuleGroup& group, Timestamp at);
  // Forgets all groups but these (keys as of GroupKey).
  void Retain(const std::vector<std::string>& keys);

 private:
  struct Entry {
    std::string text;
    uint64_t states = 0;  // a hash
    Timestamp at{};
  };
  void Save();
  bool BeginSave();
  std::optional<std::string> TakeUnsaved();

  const std::string path_;
  FileSystem& files_;
  Logger& log_;
  Mutex mutex_;
  std::map<std::string, Entry> groups_ GUARDED_BY(mutex_);  // only those with alerts
  bool unsaved_ GUARDED_BY(mutex_) = false;
  bool saving_ GUARDED_BY(mutex_) = false;
  bool failed_ GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin
