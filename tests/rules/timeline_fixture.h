// Plays a metric into rules on virtual time and holds states, series and payloads to a table, with
// the tolerances of Prometheus' alert_generator compliance suite: a sample every 15 seconds, groups
// of 30 seconds, alerts sent again after a minute; index n is n samples after the start.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/rules/rules_fixture.h"

namespace tocsin::testing_support {

constexpr Duration kStep = std::chrono::seconds(15);
constexpr Duration kInterval = std::chrono::seconds(30);
constexpr Duration kMayBeLate = kInterval + std::chrono::seconds(10);
constexpr Duration kShortestPause = std::chrono::seconds(55);
constexpr Duration kLongestPause = kShortestPause + kMayBeLate;
constexpr Duration kValidity = std::chrono::minutes(4);
constexpr Duration kRetention = std::chrono::minutes(15);

// From the given index on, until the next entry.
template <typename T>
struct From {
  int index;
  T what;
};
using Values = std::vector<From<double>>;
using Phases = std::vector<From<AlertPhase>>;

template <typename T>
const From<T>* At(const std::vector<From<T>>& timeline, int index) {
  const From<T>* current = nullptr;
  for (const From<T>& entry : timeline) {
    if (entry.index <= index) current = &entry;
  }
  return current;
}

// What is expected of one alert.
struct ExpectedAlert {
  LabelSet labels;
  Phases phases;  // from index 0 on
  std::vector<From<LabelSet>> annotations = {{0, {}}};
  // Its end is told once and not again: nobody remembers the alert any more.
  bool forgotten_after_end = false;
  // The index from which on it is pending again although it had fired: told once, too.
  int withdrawn_at = -1;
};

class TimelineFixture : public RulesFixture {
 protected:
  TimelineFixture() { config_.global.evaluation_interval = kInterval; }

  Timestamp TimeOf(int index) const { return start_ + index * kStep; }
  // A new process with an empty store: the series of alerts are back with the next evaluation.
  void Restart(int index) {
    Kill(Duration::zero());
    Start();
    no_series_until_ = index + 3;
  }

  // `each` is called after every step, with its index.
  void Play(const std::map<LabelSet, Values>& input, const std::vector<ExpectedAlert>& alerts,
            int steps, const std::function<void(int)>& each = nullptr) {
    start_ = clock_.Now();
    for (int index = 0; index < steps; ++index) {
      for (const auto& [series, values] : input) {
        if (const From<double>* value = At(values, index)) Set(series, value->what);
      }
      Advance(kStep);
      if (each) each(index);
      for (const ExpectedAlert& alert : alerts) CheckState(alert, index);
    }
    for (const ExpectedAlert& alert : alerts) CheckPayloads(alert, steps);
    CheckNothingElse(alerts);
  }

 private:
  // A run of one phase.
  struct Period {
    AlertPhase phase;
    Timestamp begin;
    Timestamp end;
  };
  struct Payload {
    Timestamp at;
    Notification notification;
  };

  std::vector<Period> PeriodsOf(const ExpectedAlert& alert, int steps) const {
    std::vector<Period> periods;
    for (size_t i = 0; i < alert.phases.size(); ++i) {
      const int end = i + 1 < alert.phases.size() ? alert.phases[i + 1].index : steps;
      periods.push_back({alert.phases[i].what, TimeOf(alert.phases[i].index), TimeOf(end)});
    }
    return periods;
  }

  const AlertSnapshot* Find(const LabelSet& labels, const RulesSnapshot& rules) const {
    for (const RuleGroupSnapshot& group : rules.groups) {
      for (const RuleSnapshot& rule : group.rules) {
        for (const AlertSnapshot& alert : rule.alerts) {
          if (alert.labels == labels) return &alert;
        }
      }
    }
    return nullptr;
  }

  // A state may be seen an interval and ten seconds late.
  void CheckState(const ExpectedAlert& alert, int index) {
    const auto rules = manager_->Snapshot();
    const AlertSnapshot* const found = Find(alert.labels, *rules);
    const AlertPhase phase = found == nullptr ? AlertPhase::kInactive : found->phase;
    std::vector<AlertPhase> allowed;
    for (int late = 0; late * kStep <= kMayBeLate; ++late) {
      if (const From<AlertPhase>* entry = At(alert.phases, index - late)) {
        allowed.push_back(entry->what);
      }
    }
    EXPECT_THAT(allowed, testing::Contains(phase)) << alert.labels.ToString() << " at " << index;
    const bool certain = std::ranges::count(allowed, phase) == std::ssize(allowed);
    if (certain && index >= no_series_until_) CheckSeries(alert.labels, phase, index);
    if (certain && found != nullptr && phase != AlertPhase::kInactive) {
      CheckAnnotations(alert, *found, index);
    }
  }
  void CheckSeries(LabelSet labels, AlertPhase phase, int index) {
    for (const auto& [state, expected] : {std::pair("pending", phase == AlertPhase::kPending),
                                          std::pair("firing", phase == AlertPhase::kFiring)}) {
      LabelSet series = labels;
      series.Set("alertstate", state);
      EXPECT_EQ(Value("ALERTS" + series.ToString()).has_value(), expected)
          << state << " " << labels.ToString() << " at " << index;
    }
  }
  void CheckAnnotations(const ExpectedAlert& alert, const AlertSnapshot& found, int index) {
    const From<LabelSet>* expected = At(alert.annotations, index);
    if (index * kStep < expected->index * kStep + kMayBeLate) return;
    EXPECT_EQ(found.annotations, expected->what) << alert.labels.ToString() << " at " << index;
  }

  std::vector<Payload> PayloadsOf(const LabelSet& labels) const {
    std::vector<Payload> payloads;
    for (const auto& [at, notification] : notifier_.timeline) {
      if (notification.labels == labels) payloads.push_back({at, notification});
    }
    return payloads;
  }

  void CheckPayloads(const ExpectedAlert& alert, int steps) {
    const std::vector<Period> periods = PeriodsOf(alert, steps);
    const std::vector<Payload> payloads = PayloadsOf(alert.labels);
    size_t explained = 0;
    for (size_t i = 0; i < periods.size(); ++i) {
      const bool was_firing = i > 0 && periods[i - 1].phase == AlertPhase::kFiring;
      if (periods[i].phase == AlertPhase::kFiring) {
        explained += CheckFiring(alert, periods[i], payloads);
      } else if (was_firing) {
        explained += CheckResolved(alert, periods[i], payloads);
      }
    }
    EXPECT_EQ(explained, payloads.size()) << "unexpected payloads of " << alert.labels.ToString();
  }

  size_t CheckFiring(const ExpectedAlert& alert, const Period& period,
                     const std::vector<Payload>& payloads) {
    std::vector<Timestamp> times;
    for (const Payload& payload : payloads) {
      const Notification& n = payload.notification;
      if (n.ends_at <= payload.at || payload.at < period.begin ||
          payload.at > period.end + kMayBeLate) {
        continue;
      }
      times.push_back(payload.at);
      EXPECT_GE(n.starts_at, period.begin);
      EXPECT_LE(n.starts_at, period.begin + kInterval);
      EXPECT_EQ(n.ends_at, payload.at + kValidity);
      const auto index = static_cast<int>((payload.at - start_) / kStep);
      const From<LabelSet>* now = At(alert.annotations, index);
      const From<LabelSet>* before = At(alert.annotations, index - 3);
      EXPECT_TRUE(n.annotations == now->what || (before && n.annotations == before->what))
          << n.annotations.ToString() << " at " << index;
    }
    CheckPauses(times, period.begin, kMayBeLate, period.end);
    return times.size();
  }

  size_t CheckResolved(const ExpectedAlert& alert, const Period& period,
                       const std::vector<Payload>& payloads) {
    std::vector<Timestamp> times;
    for (const Payload& payload : payloads) {
      const Notification& n = payload.notification;
      if (n.ends_at > payload.at || payload.at < period.begin ||
          payload.at > period.end + kMayBeLate) {
        continue;
      }
      times.push_back(payload.at);
      EXPECT_GE(n.ends_at, period.begin);
      EXPECT_LE(n.ends_at, period.begin + kInterval);
      EXPECT_LE(payload.at, period.begin + kRetention + kMayBeLate) << "there must be silence";
    }
    if (alert.forgotten_after_end || period.begin == TimeOf(alert.withdrawn_at)) {
      EXPECT_EQ(times.size(), 1u);
      return times.size();
    }
    CheckPauses(times, period.begin, 2 * kInterval,
                std::min(period.end, period.begin + kRetention));
    return times.size();
  }

  static void CheckPauses(const std::vector<Timestamp>& times, Timestamp begin, Duration first_late,
                          Timestamp end) {
    if (end - begin <= first_late) return;
    ASSERT_FALSE(times.empty()) << "nothing was sent";
    EXPECT_LE(times.front(), begin + first_late);
    for (size_t i = 1; i < times.size(); ++i) {
      EXPECT_GE(times[i] - times[i - 1], kShortestPause);
      EXPECT_LE(times[i] - times[i - 1], kLongestPause);
    }
    EXPECT_GE(times.back(), end - kLongestPause);
  }

  void CheckNothingElse(const std::vector<ExpectedAlert>& alerts) {
    for (const auto& [at, notification] : notifier_.timeline) {
      EXPECT_TRUE(std::ranges::any_of(
          alerts, [&](const ExpectedAlert& alert) { return alert.labels == notification.labels; }))
          << "unexpected: " << notification.labels.ToString();
    }
  }

  Timestamp start_{};
  int no_series_until_ = 0;
};

}  // namespace tocsin::testing_support
