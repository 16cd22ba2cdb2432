#include "rules/unit_test/comparison.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/go_float.h"
#include "base/regex.h"
#include "engine/model/histogram.h"
#include "engine/promqltest/series_notation.h"

namespace tocsin::unit_test {
namespace {

Pairs PairsOf(const LabelSet& labels) { return {labels.begin(), labels.end()}; }

std::string Text(const Pairs& pairs) {
  std::string text = "{";
  for (const auto& [name, value] : pairs) {
    text += fmt::format("{}{}={}", text.size() > 1 ? ", " : "", name, QuoteLabelValue(value));
  }
  return text + "}";
}

// [
//     0:
//       Labels:{…}
// ]
std::string NumberedList(const std::vector<std::string>& blocks) {
  if (blocks.empty()) return "[]";
  std::string text = "[";
  for (size_t i = 0; i < blocks.size(); ++i) {
    text += fmt::format("{}\n{}:\n  ", i == 0 ? "" : ",", i);
    for (const char c : blocks[i]) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  }
  return text + "\n]";
}

// --- labels and annotations -------------------------------------------------------------------

Result<bool> SameValue(const std::string& expected, const std::string& got, MatchMode mode) {
  if (!mode.regex) return expected == got;
  ASSIGN_OR_RETURN(const Regex regex, Regex::CompileAnchored(expected));
  return regex.Matches(got);
}

Result<bool> SamePairs(const Pairs& expected, const Pairs& got, MatchMode mode) {
  if (!mode.subset && expected.size() != got.size()) return false;
  for (const auto& [name, value] : expected) {
    const auto found = std::ranges::find(got, name, &Pairs::value_type::first);
    if (found == got.end()) return false;
    ASSIGN_OR_RETURN(const bool same, SameValue(value, found->second, mode));
    if (!same) return false;
  }
  return true;
}

// --- one-to-one -------------------------------------------------------------------------------

// Whether each of the expected can be given a different one of the found, and none is left over:
// a perfect matching of a bipartite graph, by augmenting paths (Kuhn).
class Pairing {
 public:
  explicit Pairing(std::vector<std::vector<bool>> fits) : fits_(std::move(fits)) {}

  bool Exists(size_t found) {
    taken_by_.assign(found, kNobody);
    if (fits_.size() != found) return false;
    for (size_t expected = 0; expected < fits_.size(); ++expected) {
      tried_.assign(found, false);
      if (!Place(expected)) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kNobody = std::numeric_limits<size_t>::max();

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than there are expectations
  bool Place(size_t expected) {
    for (size_t i = 0; i < taken_by_.size(); ++i) {
      if (!fits_[expected][i] || tried_[i]) continue;
      tried_[i] = true;
      if (taken_by_[i] != kNobody && !Place(taken_by_[i])) continue;
      taken_by_[i] = expected;
      return true;
    }
    return false;
  }

  const std::vector<std::vector<bool>> fits_;
  std::vector<size_t> taken_by_;
  std::vector<bool> tried_;
};

template <typename Expected, typename Found>
Result<bool> PairUp(const std::vector<Expected>& expected, const std::vector<Found>& found,
                    const std::function<Result<bool>(const Expected&, const Found&)>& fits) {
  if (expected.size() != found.size()) return false;
  std::vector<std::vector<bool>> graph;
  for (const Expected& one : expected) {
    std::vector<bool>& row = graph.emplace_back();
    for (const Found& other : found) {
      ASSIGN_OR_RETURN(const bool same, fits(one, other));
      row.push_back(same);
    }
  }
  return Pairing(std::move(graph)).Exists(found.size());
}

// --- alerts -----------------------------------------------------------------------------------

bool SameState(AlertState expected, AlertState got) {
  return expected == got || (expected == AlertState::kFiring && got == AlertState::kKeepFiring);
}

// What a case says beyond labels and annotations is shown only where it says something.
struct ShownFields {
  bool state = false;
  bool active_at = false;
};

std::string AlertText(const Pairs& labels, const Pairs& annotations, AlertState state,
                      std::optional<Duration> active_at, ShownFields shown) {
  std::string text = "Labels:" + Text(labels) + "\nAnnotations:" + Text(annotations);
  if (shown.state) text += fmt::format("\nState:{}", StateName(state));
  if (shown.active_at && active_at) {
    text += "\nActiveAt:" + FormatPrometheusDuration(*active_at);
  }
  return text;
}

Mismatch AlertMismatch(const AlertCase& expected, const std::vector<SeenAlert>& seen) {
  ShownFields shown;
  for (const AlertState state : expected.states) {
    shown.state |= state != AlertState::kFiring && state != AlertState::kKeepFiring;
  }
  for (const ExpectedAlert& alert : expected.alerts) {
    shown.state |= alert.state != AlertState::kFiring;
    shown.active_at |= alert.active_at.has_value();
  }
  std::vector<ExpectedAlert> sorted = expected.alerts;
  std::ranges::sort(sorted, {}, [](const ExpectedAlert& alert) {
    return std::tie(alert.labels, alert.annotations);
  });
  std::vector<std::string> wanted;
  for (const ExpectedAlert& alert : sorted) {
    wanted.push_back(
        AlertText(alert.labels, alert.annotations, alert.state, alert.active_at, shown));
  }
  std::vector<std::string> got;
  for (const SeenAlert& alert : seen) {
    got.push_back(AlertText(alert.labels, alert.annotations, alert.state, alert.active_at, shown));
  }
  return {NumberedList(wanted), NumberedList(got)};
}

// --- samples ----------------------------------------------------------------------------------

struct Sample {
  LabelSet labels;
  double value = 0;
  std::string histogram;
};

std::string Text(const std::vector<Sample>& samples) {
  if (samples.empty()) return "nil";
  std::string text;
  for (const Sample& sample : samples) {
    text += text.empty() ? "" : ", ";
    text += Text(PairsOf(sample.labels)) + " ";
    text += sample.histogram.empty() ? FormatGoV(sample.value) : sample.histogram;
  }
  return text;
}

Result<Sample> Parse(const ExpectedSample& expected) {
  const auto mistake = [&](const Error& error) {
    return Prefixed(fmt::format("labels \"{}\": ", expected.labels), error);
  };
  Sample sample{.labels = {}, .value = expected.value, .histogram = {}};
  const std::string metric = expected.labels.empty() ? "{}" : expected.labels;
  Result<promqltest::NotedSeries> series = promqltest::ParseSeriesLine(metric + " _");
  if (!series.ok()) return mistake(series.error());
  sample.labels = std::move(series->labels);
  if (expected.histogram.empty()) return sample;
  const auto values = promqltest::ParseNotedValues(expected.histogram);
  if (!values.ok()) return mistake(values.error());
  if (values->size() != 1) {
    return mistake(InvalidArgument(fmt::format("expected 1 value, got {}", values->size())));
  }
  if (values->front().histogram == nullptr) {
    return mistake(InvalidArgument("expected histogram, got \"" + expected.histogram + "\""));
  }
  sample.histogram = values->front().histogram->TestExpression();
  return sample;
}

bool SameFloat(double expected, double got, bool fuzzy) {
  if (expected == got) return true;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return fuzzy && (std::nextafter(expected, -kInfinity) == got ||
                   std::nextafter(expected, kInfinity) == got);
}

bool ByLabels(const Sample& a, const Sample& b) { return a.labels < b.labels; }

// --- sendings ---------------------------------------------------------------------------------

std::string Since(Timestamp time, Timestamp start) {
  return FormatPrometheusDuration(time - start);
}

bool IsResolved(const SentAlert& sent, Timestamp start) {
  return sent.alert.ends_at <= start + sent.at;
}

std::string Text(const ExpectedSending& sending) {
  std::string text = fmt::format("{} {} Labels:{}", FormatPrometheusDuration(sending.at),
                                 sending.resolved ? "resolved" : "firing", Text(sending.labels));
  if (sending.annotations) text += " Annotations:" + Text(*sending.annotations);
  if (sending.starts_at) text += " StartsAt:" + FormatPrometheusDuration(*sending.starts_at);
  if (sending.ends_at) text += " EndsAt:" + FormatPrometheusDuration(*sending.ends_at);
  return text + "\n";
}

std::string Text(const SentAlert& sent, Timestamp start) {
  return fmt::format("{} {} Labels:{} Annotations:{} StartsAt:{} EndsAt:{}\n",
                     FormatPrometheusDuration(sent.at),
                     IsResolved(sent, start) ? "resolved" : "firing",
                     Text(PairsOf(sent.alert.labels)), Text(PairsOf(sent.alert.annotations)),
                     Since(sent.alert.starts_at, start), Since(sent.alert.ends_at, start));
}

Result<bool> SameSending(const ExpectedSending& expected, const SentAlert& sent, Timestamp start) {
  if (expected.at != sent.at || expected.resolved != IsResolved(sent, start)) return false;
  if (expected.starts_at && start + *expected.starts_at != sent.alert.starts_at) return false;
  if (expected.ends_at && start + *expected.ends_at != sent.alert.ends_at) return false;
  ASSIGN_OR_RETURN(const bool labels,
                   SamePairs(expected.labels, PairsOf(sent.alert.labels), expected.match));
  if (!labels || !expected.annotations) return labels;
  return SamePairs(*expected.annotations, PairsOf(sent.alert.annotations), expected.match);
}

}  // namespace

Comparison CompareAlerts(const AlertCase& expected, std::vector<SeenAlert> seen) {
  std::erase_if(seen, [&](const SeenAlert& alert) {
    return std::ranges::find(expected.states, alert.state) == expected.states.end();
  });
  std::ranges::sort(seen);
  ASSIGN_OR_RETURN(const bool same,
                   (PairUp<ExpectedAlert, SeenAlert>(
                       expected.alerts, seen,
                       [&](const ExpectedAlert& alert, const SeenAlert& got) -> Result<bool> {
                         if (!SameState(alert.state, got.state)) return false;
                         if (alert.active_at && *alert.active_at != got.active_at) return false;
                         ASSIGN_OR_RETURN(const bool labels,
                                          SamePairs(alert.labels, got.labels, expected.match));
                         if (!labels) return false;
                         return SamePairs(alert.annotations, got.annotations, expected.match);
                       })));
  if (same) return std::optional<Mismatch>();
  return std::optional<Mismatch>(AlertMismatch(expected, seen));
}

Comparison CompareSamples(const QueryCase& expected, const promql::VectorValue& got, bool fuzzy) {
  std::vector<Sample> wanted;
  for (const ExpectedSample& sample : expected.samples) {
    ASSIGN_OR_RETURN(Sample parsed, Parse(sample));
    wanted.push_back(std::move(parsed));
  }
  std::vector<Sample> found;
  for (const promql::VectorElement& element : got) {
    const HistogramPtr& histogram = element.point.histogram;
    found.push_back({.labels = element.labels,
                     .value = histogram == nullptr ? element.point.value : 0,
                     .histogram = histogram == nullptr ? "" : histogram->TestExpression()});
  }
  std::ranges::stable_sort(wanted, ByLabels);
  std::ranges::stable_sort(found, ByLabels);
  ASSIGN_OR_RETURN(const bool same,
                   (PairUp<Sample, Sample>(
                       wanted, found, [&](const Sample& one, const Sample& other) -> Result<bool> {
                         if (!SameFloat(one.value, other.value, fuzzy)) return false;
                         if (one.histogram != other.histogram) return false;
                         return SamePairs(PairsOf(one.labels), PairsOf(other.labels),
                                          expected.match);
                       })));
  if (same) return std::optional<Mismatch>();
  return std::optional<Mismatch>(Mismatch{Text(wanted), Text(found)});
}

Comparison CompareSendings(const ExpectedSendings& expected, const std::vector<SentAlert>& sent,
                           Timestamp start) {
  ASSIGN_OR_RETURN(const bool same, (PairUp<ExpectedSending, SentAlert>(
                                        expected.list, sent,
                                        [&](const ExpectedSending& one, const SentAlert& other) {
                                          return SameSending(one, other, start);
                                        })));
  if (same) return std::optional<Mismatch>();
  Mismatch mismatch;
  for (const ExpectedSending& one : expected.list) mismatch.expected += Text(one);
  for (const SentAlert& one : sent) mismatch.got += Text(one, start);
  return std::optional<Mismatch>(std::move(mismatch));
}

}  // namespace tocsin::unit_test
