#include "rules/backtest/timeline.h"

#include <utility>

namespace tocsin {

void AlertTimeline::Change(Track& track, AlertPhase to, Timestamp at, double value) {
  if (track.phase == AlertPhase::kInactive) ++active_;
  if (to == AlertPhase::kInactive) --active_;
  if (to == AlertPhase::kFiring && firing_now_++ == 0) firing_since_ = at;
  if (track.phase == AlertPhase::kFiring && --firing_now_ == 0) firing_ += at - firing_since_;
  track.phase = to;
  track.alert.transitions.push_back({.at = at, .to = to, .value = value});
}

void AlertTimeline::Note(const Alerts& alerts, Timestamp at) {
  if (alerts.empty() && active_ == 0) return;
  for (const auto& [labels, alert] : alerts) {
    const auto found = tracks_.find(labels);
    if (found == tracks_.end() && alert.timing.phase == AlertPhase::kInactive) continue;
    Track& track = found == tracks_.end() ? tracks_[labels] : found->second;
    if (track.alert.labels.empty()) track.alert.labels = labels;
    if (track.phase == alert.timing.phase && track.active_at == alert.timing.active_at) continue;
    if (alert.timing.phase == AlertPhase::kInactive && track.phase == AlertPhase::kInactive)
      continue;
    // Ended and begun again between two evaluations cannot be; begun anew at one can.
    const bool anew = track.phase != AlertPhase::kInactive &&
                      track.active_at != alert.timing.active_at &&
                      alert.timing.phase != AlertPhase::kInactive;
    if (anew) Change(track, AlertPhase::kInactive, at, alert.value);
    track.active_at = alert.timing.active_at;
    const bool first = alert.timing.phase == AlertPhase::kFiring && track.alert.pages++ == 0;
    if (first || track.alert.pages == 0) track.alert.annotations = alert.annotations;
    Change(track, alert.timing.phase, at, alert.value);
  }
  if (active_ == 0) return;
  for (auto& [labels, track] : tracks_) {
    if (track.phase == AlertPhase::kInactive || alerts.contains(labels)) continue;
    Change(track, AlertPhase::kInactive, at, 0);
  }
}

bool AlertTimeline::WantsAnnotations(const LabelSet& labels) const {
  const auto found = tracks_.find(labels);
  return found == tracks_.end() || found->second.alert.pages == 0;
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
