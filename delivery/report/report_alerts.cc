#include "delivery/report/report_alerts.h"

#include <algorithm>
#include <map>

#include "base/json.h"

namespace tocsin::delivery {
namespace {

constexpr std::string_view kFiring = "ALERTS{alertstate=\"firing\"}";
// Below Prometheus' limit of 11,000 points per series.
constexpr int kStepsPerQuestion = 10'000;
constexpr std::string_view kDeployScript = "deploy.sh";
constexpr double kHeartbeatShare = 0.95;

// How long a sample of ALERTS stands for its alert: a minute, or the longest interval of the rule
// groups, in whole minutes.
Duration Resolution(MetricSource& source, const ReportPeriod& period) {
  constexpr Duration kMinute = std::chrono::minutes(1);
  const auto longest = source.Query("max(prometheus_rule_group_interval_seconds)", period.to);
  if (!longest.ok() || longest->empty() || !(longest->front().value > 60)) return kMinute;
  return std::chrono::ceil<std::chrono::minutes>(FromSeconds(longest->front().value));
}

LabelSet AlertLabels(LabelSet labels) {
  labels.Remove(kMetricName);
  labels.Remove("alertstate");
  return labels;
}

// Points that follow each other step by step are one episode. A point speaks for the step before
// it.
void AddEpisodes(const LabelSet& labels, const std::vector<Timestamp>& minutes, Duration step,
                 const ReportPeriod& period, std::vector<AlertEpisode>& episodes) {
  for (size_t begin = 0; begin < minutes.size();) {
    size_t end = begin + 1;
    while (end < minutes.size() && minutes[end] - minutes[end - 1] <= step) ++end;
    episodes.push_back({.labels = labels,
                        .from = minutes[begin] - step,
                        .to = minutes[end - 1],
                        .began_before = minutes[begin] - step <= period.from,
                        .still_firing = minutes[end - 1] + step > period.to});
    begin = end;
  }
}

bool Covers(const Silence& silence, const LabelSet& labels) {
  return std::ranges::all_of(silence.matchers, [&](const Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

// From the alarm to the first silence that was made while it rang.
std::optional<Duration> TimeToAcknowledge(const AlertEpisode& episode,
                                          const std::vector<Silence>& silences) {
  std::optional<Duration> first;
  for (const Silence& silence : silences) {
    if (silence.created < episode.from || silence.created > episode.to) continue;
    if (!Covers(silence, episode.labels)) continue;
    const Duration after = silence.created - episode.from;
    if (!first || after < *first) first = after;
  }
  return first;
}

struct Mean {
  Duration sum{};
  int64_t count = 0;
  void Add(Duration one) {
    sum += one;
    ++count;
  }
  std::optional<Duration> Value() const {
    return count == 0 ? std::nullopt : std::optional(sum / count);
  }
};

struct Gathered {
  AlertSummary summary;
  Mean resolve;
  Mean acknowledge;
};

bool IsHeartbeat(const AlertSummary& summary, const ReportPeriod& period) {
  const bool nobody_is_called = summary.severity == "info" || summary.severity == "none";
  return nobody_is_called &&
         ToSeconds(summary.firing) >= kHeartbeatShare * ToSeconds(period.to - period.from);
}

// A text of one member of a silence.
std::string_view TextAt(const JsonValue& json, std::string_view key) {
  const JsonValue* const value = json.Find(key);
  return value == nullptr ? std::string_view() : value->TextOrEmpty();
}

bool FlagAt(const JsonValue& json, std::string_view key, bool absent) {
  const JsonValue* const value = json.Find(key);
  return value == nullptr || value->AsBool() == nullptr ? absent : *value->AsBool();
}

Result<std::vector<Matcher>> ReadMatchers(const JsonValue& silence) {
  std::vector<Matcher> matchers;
  const JsonValue* const list = silence.Find("matchers");
  if (list == nullptr || list->AsArray() == nullptr) return matchers;
  for (const JsonValue& one : *list->AsArray()) {
    const bool regex = FlagAt(one, "isRegex", false);
    const bool equal = FlagAt(one, "isEqual", true);
    const MatchOp op = regex ? (equal ? MatchOp::kRegex : MatchOp::kNotRegex)
                             : (equal ? MatchOp::kEqual : MatchOp::kNotEqual);
    ASSIGN_OR_RETURN(Matcher matcher, Matcher::Make(op, TextAt(one, "name"), TextAt(one, "value")));
    matchers.push_back(std::move(matcher));
  }
  return matchers;
}

}  // namespace

Result<std::vector<AlertEpisode>> FindEpisodes(MetricSource& source, const ReportPeriod& period) {
  const Duration step = Resolution(source, period);
  const std::string expr =
      "last_over_time(" + std::string(kFiring) + "[" + FormatPrometheusDuration(step) + "])";
  std::map<LabelSet, std::vector<Timestamp>> minutes;
  for (Timestamp from = period.from; from < period.to; from += kStepsPerQuestion * step) {
    const Timestamp to = std::min(period.to, from + kStepsPerQuestion * step);
    ASSIGN_OR_RETURN(const std::vector<MetricSeries> answer,
                     source.QueryRange(expr, {.from = from + step, .to = to, .step = step}));
    for (const MetricSeries& series : answer) {
      std::vector<Timestamp>& times = minutes[AlertLabels(series.labels)];
      for (const MetricPoint& point : series.points) times.push_back(point.at);
    }
  }
  std::vector<AlertEpisode> episodes;
  for (const auto& [labels, times] : minutes) AddEpisodes(labels, times, step, period, episodes);
  return episodes;
}

std::vector<AlertSummary> SummarizeAlerts(const std::vector<AlertEpisode>& episodes,
                                          const std::vector<Silence>* silences,
                                          const ReportPeriod& period) {
  std::map<std::pair<std::string, std::string>, Gathered> gathered;
  for (const AlertEpisode& episode : episodes) {
    const std::string name(episode.labels.Get("alertname"));
    const std::string severity(episode.labels.Get("severity"));
    Gathered& one = gathered[{name, severity}];
    one.summary.name = name;
    one.summary.severity = severity;
    const Duration length = episode.to - episode.from;
    ++one.summary.episodes;
    if (!episode.began_before) ++one.summary.fired;
    if (episode.still_firing) ++one.summary.firing_now;
    one.summary.firing += length;
    one.summary.longest = std::max(one.summary.longest, length);
    if (!episode.still_firing && !episode.began_before) one.resolve.Add(length);
    if (silences == nullptr || episode.began_before) continue;
    if (const auto after = TimeToAcknowledge(episode, *silences)) one.acknowledge.Add(*after);
  }
  std::vector<AlertSummary> summaries;
  for (auto& [key, one] : gathered) {
    one.summary.to_resolve = one.resolve.Value();
    one.summary.to_acknowledge = one.acknowledge.Value();
    one.summary.heartbeat = IsHeartbeat(one.summary, period);
    summaries.push_back(std::move(one.summary));
  }
  std::ranges::stable_sort(summaries, [](const AlertSummary& a, const AlertSummary& b) {
    return std::pair(a.fired, a.firing) > std::pair(b.fired, b.firing);
  });
  return summaries;
}

Result<std::vector<Silence>> ReadSilences(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(text));
  if (json.AsArray() == nullptr) return InvalidArgument("a list of silences is expected");
  std::vector<Silence> silences;
  for (const JsonValue& one : *json.AsArray()) {
    if (TextAt(one, "createdBy") == kDeployScript) continue;
    ASSIGN_OR_RETURN(std::vector<Matcher> matchers, ReadMatchers(one));
    ASSIGN_OR_RETURN(const Timestamp created, ParseRfc3339(TextAt(one, "startsAt")));
    silences.push_back({.matchers = std::move(matchers), .created = created});
  }
  return silences;
}

}  // namespace tocsin::delivery
