#include "rules/alert_journal.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/hash.h"

namespace tocsin {
namespace {

// How far what is only a moving time may be behind.
constexpr Duration kSaveEvery = std::chrono::minutes(1);

// What of a group's alerts matters for when to save.
struct States {
  bool any = false;
  bool time_runs = false;  // towards `for` or keep_firing_for
  uint64_t hash = 0;
};

States StatesOf(const RuleGroup& group) {
  States states;
  for (size_t i = 0; i < group.size(); ++i) {
    if (group.alerting(i) == nullptr) continue;
    for (const auto& [labels, alert] : group.alerting(i)->alerts()) {
      const AlertTiming& timing = alert.timing;
      const int64_t state[] = {static_cast<int64_t>(i), static_cast<int64_t>(timing.phase),
                               ToMs(timing.active_at),
                               timing.keep_firing_since ? ToMs(*timing.keep_firing_since) : 0};
      states.any = true;
      states.time_runs |= timing.phase == AlertPhase::kPending || timing.keep_firing_since;
      states.hash = Hash64({reinterpret_cast<const char*>(state), sizeof(state)},
                           states.hash ^ labels.Hash());
    }
  }
  return states;
}

}  // namespace

AlertJournal::AlertJournal(std::string path, FileSystem& files, Logger& log)
    : path_(std::move(path)), files_(files), log_(log) {}

std::optional<std::vector<JournalGroup>> AlertJournal::Load(Timestamp now, Duration tolerance) {
  if (!files_.Exists(path_)) return std::nullopt;
  const Result<std::string> text = files_.Read(path_);
  Result<std::vector<JournalGroup>> groups =
      text.ok() ? ParseJournal(*text) : Result<std::vector<JournalGroup>>(text.error());
  if (!groups.ok()) {
    log_.Warn("the alert journal cannot be read: alerts start afresh",
              {{"path", path_}, {"err", groups.error().message}});
    return std::nullopt;
  }
  const size_t dropped =
      std::erase_if(*groups, [&](const JournalGroup& group) { return now - group.at > tolerance; });
  if (dropped > 0) {
    log_.Warn("alerts of rule groups that stood still for too long start afresh",
              {{"path", path_}, {"groups", dropped}});
  }
  for (JournalGroup& group : *groups) SkipOutage(group, now);
  return *std::move(groups);
}

void AlertJournal::Update(const RuleGroup& group, Timestamp at) {
  const std::string key = GroupKey(group.spec().file, group.spec().name);
  const States states = StatesOf(group);
  {
    const MutexLock lock(mutex_);
    const auto found = groups_.find(key);
    if (found == groups_.end() && !states.any) return;
    if (found != groups_.end() && !states.any) {
      groups_.erase(found);
    } else {
      const bool fresh = found != groups_.end() && found->second.states == states.hash &&
                         !states.time_runs && at - found->second.at < kSaveEvery;
      if (fresh) return;
      groups_[key] = {.text = RenderJournalGroup(group, at), .states = states.hash, .at = at};
    }
  }
  Save();
}

void AlertJournal::Retain(const std::vector<std::string>& keys) {
  {
    const MutexLock lock(mutex_);
    std::erase_if(groups_, [&](const auto& entry) {
      return std::ranges::find(keys, entry.first) == keys.end();
    });
  }
  Save();
}

void AlertJournal::Save() {
  if (!BeginSave()) return;
  while (const std::optional<std::string> text = TakeUnsaved()) {
    const Status status = files_.WriteAtomically(path_, *text);
    const MutexLock lock(mutex_);
    if (!status.ok() && !failed_) {
      log_.Error("the alert journal cannot be written: a restart would forget alerts",
                 {{"path", path_}, {"err", status.error().message}});
    }
    failed_ = !status.ok();
  }
}

bool AlertJournal::BeginSave() {
  const MutexLock lock(mutex_);
  unsaved_ = true;
  // Whoever is saving will see it.
  if (saving_) return false;
  saving_ = true;
  return true;
}

std::optional<std::string> AlertJournal::TakeUnsaved() {
  const MutexLock lock(mutex_);
  saving_ = unsaved_;
  if (!unsaved_) return std::nullopt;
  unsaved_ = false;
  std::vector<std::string_view> texts;
  for (const auto& [key, entry] : groups_) texts.push_back(entry.text);
  return RenderJournal(texts);
}

}  // namespace tocsin
