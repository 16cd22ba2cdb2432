#include "rules/rule_series_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

// In Prometheus' words, which people search for.
std::string DescribeRefusals(const CommitReport& report) {
  std::string text;
  const auto add = [&text](size_t count, std::string_view why) {
    if (count == 0) return;
    fmt::format_to(std::back_inserter(text), "{}{}: {} samples not stored",
                   text.empty() ? "" : ", ", why, count);
  };
  add(report.out_of_order, "out of order sample");
  add(report.duplicate, "duplicate sample for timestamp");
  add(report.out_of_bounds, "out of bounds");
  add(report.over_limit, "too many series");
  return text;
}

}  // namespace

Result<CommitReport> RuleSeriesWriter::Commit(std::vector<PendingSample> batch) {
  ASSIGN_OR_RETURN(CommitReport report, sink_->Commit(batch));
  if (report.gone.empty()) return report;
  // Retention has taken the series away while the rule was silent: they begin anew.
  std::unordered_map<SeriesRef, SeriesRef> renewed;
  for (auto& [labels, written] : series_) {
    if (std::ranges::find(report.gone, written.ref) == report.gone.end()) continue;
    const SeriesRef old = std::exchange(written.ref, sink_->Register(labels));
    if (written.ref != kNoSeries) renewed.emplace(old, written.ref);
  }
  std::erase_if(batch, [&](const PendingSample& sample) { return !renewed.contains(sample.ref); });
  for (PendingSample& sample : batch) sample.ref = renewed.at(sample.ref);
  ASSIGN_OR_RETURN(const CommitReport again, sink_->Commit(batch));
  report.stored += again.stored;
  report.over_limit += report.gone.size() - renewed.size();
  return report;
}

Status RuleSeriesWriter::Write(const RuleSamples& samples, int64_t t_ms) {
  ++round_;
  size_t over_limit = 0;
  std::vector<PendingSample> batch;
  batch.reserve(samples.size());
  for (const RuleSample& sample : samples) {
    Written& written = series_[sample.labels];
    written.round = round_;
    if (written.ref == kNoSeries) written.ref = sink_->Register(sample.labels);
    if (written.ref == kNoSeries) {
      ++over_limit;
      continue;
    }
    batch.push_back(
        {.ref = written.ref, .t_ms = t_ms, .value = sample.value, .histogram = sample.histogram});
  }
  ASSIGN_OR_RETURN(CommitReport report, Commit(std::move(batch)));
  RETURN_IF_ERROR(MarkVanishedStale(t_ms));
  report.over_limit += over_limit;
  std::string refusals = DescribeRefusals(report);
  if (!refusals.empty()) return ResourceExhausted(std::move(refusals));
  return Ok();
}

Status RuleSeriesWriter::MarkVanishedStale(int64_t t_ms) {
  std::vector<PendingSample> markers;
  for (const auto& [labels, written] : series_) {
    if (written.round == round_ || written.ref == kNoSeries) continue;
    markers.push_back(
        {.ref = written.ref, .t_ms = t_ms, .value = StaleNan(), .histogram = nullptr});
  }
  if (!markers.empty()) {
    // Refused markers are of series that have newer samples, or are gone: nothing is left to end.
    ASSIGN_OR_RETURN([[maybe_unused]] const CommitReport report, sink_->Commit(markers));
  }
  std::erase_if(series_, [this](const auto& entry) { return entry.second.round != round_; });
  return Ok();
}

Status RuleSeriesWriter::MarkAllStale(int64_t t_ms) {
  ++round_;
  return MarkVanishedStale(t_ms);
}

void RuleSeriesWriter::Adopt(RuleSeriesWriter other) {
  for (auto& [labels, written] : other.series_) {
    series_.try_emplace(labels, Written{.ref = written.ref, .round = round_});
  }
}

}  // namespace tocsin
