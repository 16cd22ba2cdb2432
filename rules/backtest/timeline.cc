#include "rules/backtest/timeline.h"

#include <compare>
#include <utility>

namespace tocsin {

void AlertTimeline::Change(Track& track, AlertPhase to, Timestamp at, double value) {
  if (track.phase == AlertPhase::kInactive) ++active_;
  if (to == AlertPhase::kInactive) --active_;
  if (to == AlertPhase::kFiring && firing_now_++ == 0) firing_since_ = at;
  if (track.phase == AlertPhase::kFiring && --firing_now_ == 0) firing_ += at - firing_since_;
  track.phase = to;
  ++changes_;
  track.alert.transitions.push_back({.at = at, .to = to, .value = value});
}

size_t AlertTimeline::Note(const Alerts& alerts, Timestamp at) {
  if (alerts.empty() && active_ == 0) return 0;
  const size_t before = changes_;
  // Both are sorted, so that each label set is compared about once.
  auto track = tracks_.begin();
  for (const auto& [labels, alert] : alerts) {
    std::strong_ordering order = std::strong_ordering::greater;
    for (; track != tracks_.end(); ++track) {
      order = track->first <=> labels;
      if (order >= 0) break;
      End(track->second, at);
    }
    const bool known = track != tracks_.end() && order == 0;
    if (!known) {
      if (alert.timing.phase == AlertPhase::kInactive) continue;
      track = tracks_.emplace_hint(track, labels, Track());
      track->second.alert.labels = labels;
    }
    Follow(track->second, alert, at);
    ++track;
  }
  for (; track != tracks_.end(); ++track) End(track->second, at);
  return changes_ - before;
}

void AlertTimeline::NoteChanges(std::span<const AlertTransition> changes, const Alerts& alerts,
                                Timestamp at) {
  for (const AlertTransition& change : changes) {
    Track& track = tracks_[change.labels];
    track.alert.labels = change.labels;
    if (change.to) {
      Follow(track, alerts.at(change.labels), at);
    } else {
      End(track, at);
    }
  }
}

void AlertTimeline::End(Track& track, Timestamp at) {
  if (track.phase != AlertPhase::kInactive) Change(track, AlertPhase::kInactive, at, 0);
}

void AlertTimeline::Follow(Track& track, const Alert& alert, Timestamp at) {
  const AlertPhase phase = alert.timing.phase;
  if (track.phase == phase && track.active_at == alert.timing.active_at) return;
  if (phase == AlertPhase::kInactive && track.phase == AlertPhase::kInactive) return;
  // Ended and begun again between two evaluations cannot be; begun anew at one can.
  const bool anew = track.phase != AlertPhase::kInactive &&
                    track.active_at != alert.timing.active_at && phase != AlertPhase::kInactive;
  if (anew) Change(track, AlertPhase::kInactive, at, alert.value);
  track.active_at = alert.timing.active_at;
  const bool first = phase == AlertPhase::kFiring && track.alert.pages++ == 0;
  if (first || track.alert.pages == 0) track.alert.annotations = alert.annotations;
  Change(track, phase, at, alert.value);
}

std::vector<BacktestAlert> AlertTimeline::Finish(Timestamp end, Duration flap_window) {
  if (firing_now_ > 0) firing_ += end - firing_since_;
  std::vector<BacktestAlert> alerts;
  for (auto& [labels, track] : tracks_) {
    BacktestAlert& alert = track.alert;
    AlertPhase phase = AlertPhase::kInactive;
    Timestamp since{};
    std::optional<Timestamp> ended;
    const auto count = [&](Timestamp until) {
      if (phase == AlertPhase::kFiring) alert.firing += until - since;
      if (phase == AlertPhase::kPending) alert.pending += until - since;
    };
    for (const BacktestTransition& transition : alert.transitions) {
      count(transition.at);
      const bool fires = transition.to == AlertPhase::kFiring;
      if (fires && ended && transition.at - *ended <= flap_window) ++alert.flaps;
      if (phase == AlertPhase::kFiring && !fires) ended = transition.at;
      phase = transition.to;
      since = transition.at;
    }
    count(end);
    alerts.push_back(std::move(alert));
  }
  return alerts;
}

}  // namespace tocsin
