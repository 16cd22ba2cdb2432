// Records how a rule's alerts change from evaluation to evaluation.
#pragma once

#include <map>
#include <span>

#include "rules/alerting_rule.h"
#include "rules/backtest/backtest.h"

namespace tocsin {

// Not thread-safe.
class AlertTimeline {
 public:
  AlertTimeline() = default;
  AlertTimeline(const AlertTimeline&) = delete;
  AlertTimeline& operator=(const AlertTimeline&) = delete;

  // What the alerts are after the evaluation at `at`; to be called with rising times. Returns how
  // many changes that were.
  size_t Note(const Alerts& alerts, Timestamp at);
  // The same, told only what the evaluation has changed: its work is the changes, not the alerts.
  void NoteChanges(std::span<const AlertTransition> changes, const Alerts& alerts, Timestamp at);
  // The rows, with all figures counted up to `end`.
  std::vector<BacktestAlert> Finish(Timestamp end, Duration flap_window);
  // Time in which at least one alert was firing. After Finish.
  Duration firing() const { return firing_; }

 private:
  struct Track {
    BacktestAlert alert;
    AlertPhase phase = AlertPhase::kInactive;
    Timestamp active_at{};
  };
  void Change(Track& track, AlertPhase to, Timestamp at, double value);

  void End(Track& track, Timestamp at);
  void Follow(Track& track, const Alert& alert, Timestamp at);

  std::map<LabelSet, Track> tracks_;
  size_t active_ = 0;   // tracks that are not inactive
  size_t changes_ = 0;  // of all tracks
  size_t firing_now_ = 0;
  Timestamp firing_since_{};
  Duration firing_{};
};

}  // namespace tocsin
