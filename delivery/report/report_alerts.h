// What alerts did in a period: out of the series ALERTS, which every evaluation writes for each
// alert that fires, and out of Alertmanager's silences.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "delivery/report/report.h"
#include "engine/model/label_set.h"
#include "engine/model/matcher.h"

namespace tocsin::delivery {

// An alert from the minute in which it was first seen firing to that in which it last was.
struct AlertEpisode {
  LabelSet labels;  // without alertstate and the metric's name
  Timestamp from{};
  Timestamp to{};
  bool began_before = false;  // it fired already when the period began
  bool still_firing = false;  // when the period ended
};

// A silence stands for somebody who has seen the alert, unless deploy.sh made it: those are for a
// color that has no traffic yet, whether anything rings or not.
struct Silence {
  std::vector<Matcher> matchers;
  Timestamp created{};
};

// Of one alert name and severity.
struct AlertSummary {
  std::string name;
  std::string severity;
  size_t fired = 0;     // episodes that began in the period
  size_t episodes = 0;  // those that began before it too
  Duration firing{};    // summed over its label sets
  Duration longest{};
  size_t firing_now = 0;  // at the end of the period
  // Means over episodes; nothing where there was none.
  std::optional<Duration> to_resolve;
  std::optional<Duration> to_acknowledge;
  // Severity info or none, and on for (nearly) all of the period: a heartbeat, as Watchdog is.
  bool heartbeat = false;
};

// Asks for the minutes in which each alert fired. Sorted by labels, then time.
Result<std::vector<AlertEpisode>> FindEpisodes(MetricSource& source, const ReportPeriod& period);

// The most often fired first. `silences` null: nobody was asked.
std::vector<AlertSummary> SummarizeAlerts(const std::vector<AlertEpisode>& episodes,
                                          const std::vector<Silence>* silences,
                                          const ReportPeriod& period);

// The answer of Alertmanager's /api/v2/silences, without those of deploy.sh.
Result<std::vector<Silence>> ReadSilences(std::string_view json);

}  // namespace tocsin::delivery
