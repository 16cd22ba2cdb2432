#include "engine/storage/remote_write.h"

#include <fmt/format.h>
#include <snappy.h>

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/model/histogram.h"
#include "engine/storage/remote_write.pb.h"

namespace tocsin {
namespace {

Result<std::string> Uncompress(std::string_view body, const RemoteWriteLimits& limits) {
  size_t length = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &length)) {
    return InvalidArgument("remote write: the body is not snappy-compressed");
  }
  if (length > limits.max_uncompressed_bytes) {
    return ResourceExhausted(
        fmt::format("remote write: {} bytes uncompressed, at most {} are taken", length,
                    limits.max_uncompressed_bytes));
  }
  std::string text;
  if (!snappy::Uncompress(body.data(), body.size(), &text)) {
    return InvalidArgument("remote write: the snappy-compressed body is damaged");
  }
  return text;
}

Result<LabelSet> ReadLabels(const remote::TimeSeries& series) {
  std::vector<LabelSet::Pair> pairs;
  pairs.reserve(static_cast<size_t>(series.labels_size()));
  for (const remote::Label& label : series.labels()) {
    if (label.name().empty()) return InvalidArgument("remote write: a label has no name");
    if (!IsValidUtf8(label.name()) || !IsValidUtf8(label.value())) {
      return InvalidArgument("remote write: a label is not valid UTF-8");
    }
    pairs.emplace_back(label.name(), label.value());
  }
  const size_t given = pairs.size();
  LabelSet labels = LabelSet::FromPairs(std::move(pairs));
  size_t kept = labels.size();
  for (const remote::Label& label : series.labels()) kept += label.value().empty() ? 1 : 0;
  if (kept != given) {
    return InvalidArgument(
        fmt::format("remote write: repeated label name in {}", labels.ToString()));
  }
  if (!labels.Has(kMetricName)) {
    return InvalidArgument(fmt::format("remote write: no metric name in {}", labels.ToString()));
  }
  return labels;
}

// One side of a histogram: its spans, and the buckets either as deltas or as counts.
template <typename Spans, typename Deltas, typename Counts>
Status ReadBuckets(const Spans& spans, const Deltas& deltas, const Counts& counts,
                   const RemoteWriteLimits& limits, std::vector<HistogramSpan>& out_spans,
                   std::vector<double>& out_buckets) {
  uint64_t claimed = 0;
  for (const remote::BucketSpan& span : spans) {
    claimed += span.length();
    out_spans.push_back({span.offset(), span.length()});
  }
  if (claimed > limits.max_buckets) {
    return ResourceExhausted(
        fmt::format("remote write: a histogram of {} buckets, at most {} are taken", claimed,
                    limits.max_buckets));
  }
  const auto given = static_cast<uint64_t>(deltas.size() + counts.size());
  if (given != claimed || (deltas.size() > 0 && counts.size() > 0)) {
    return InvalidArgument(fmt::format(
        "remote write: histogram spans need {} buckets, have {} buckets", claimed, given));
  }
  int64_t count = 0;
  for (const int64_t delta : deltas) {
    // Wraps like Go's integers do: a hostile sum is a wrong number, not undefined behaviour.
    count = static_cast<int64_t>(static_cast<uint64_t>(count) + static_cast<uint64_t>(delta));
    out_buckets.push_back(static_cast<double>(count));
  }
  out_buckets.insert(out_buckets.end(), counts.begin(), counts.end());
  return {};
}

CounterResetHint ReadResetHint(remote::Histogram::ResetHint hint) {
  switch (hint) {
    case remote::Histogram::YES:
      return CounterResetHint::kReset;
    case remote::Histogram::NO:
      return CounterResetHint::kNotReset;
    case remote::Histogram::GAUGE:
      return CounterResetHint::kGauge;
    default:  // UNKNOWN, and values of a later format
      return CounterResetHint::kUnknown;
  }
}

Result<HistogramPtr> ReadHistogram(const remote::Histogram& in, const RemoteWriteLimits& limits) {
  constexpr int kMinSchema = -4;
  constexpr int kMaxSchema = 8;
  const bool custom = in.schema() == kCustomBucketsSchema;
  if (!custom && (in.schema() < kMinSchema || in.schema() > kMaxSchema)) {
    return InvalidArgument(fmt::format("remote write: unknown histogram schema {}", in.schema()));
  }
  auto out = std::make_shared<FloatHistogram>();
  out->reset_hint = ReadResetHint(in.reset_hint());
  out->schema = in.schema();
  out->zero_threshold = in.zero_threshold();
  out->sum = in.sum();
  out->count = in.has_count_float() ? in.count_float() : static_cast<double>(in.count_int());
  out->zero_count =
      in.has_zero_count_float() ? in.zero_count_float() : static_cast<double>(in.zero_count_int());
  RETURN_IF_ERROR(ReadBuckets(in.positive_spans(), in.positive_deltas(), in.positive_counts(),
                              limits, out->positive_spans, out->positive_buckets));
  RETURN_IF_ERROR(ReadBuckets(in.negative_spans(), in.negative_deltas(), in.negative_counts(),
                              limits, out->negative_spans, out->negative_buckets));
  if (custom) out->custom_bounds.assign(in.custom_values().begin(), in.custom_values().end());
  return HistogramPtr(std::move(out));
}

struct DecodedSeries {
  LabelSet labels;
  std::vector<PendingSample> samples;
};

Result<DecodedSeries> ReadSeries(const remote::TimeSeries& in, const RemoteWriteLimits& limits) {
  DecodedSeries out;
  ASSIGN_OR_RETURN(out.labels, ReadLabels(in));
  for (const remote::Sample& sample : in.samples()) {
    out.samples.push_back({.t_ms = sample.timestamp(), .value = sample.value()});
  }
  for (const remote::Histogram& histogram : in.histograms()) {
    PendingSample sample{.t_ms = histogram.timestamp()};
    if (IsStaleNan(histogram.sum())) {
      sample.value = StaleNan();
    } else {
      ASSIGN_OR_RETURN(sample.histogram, ReadHistogram(histogram, limits));
      sample.value = NormalNan();
    }
    out.samples.push_back(std::move(sample));
  }
  return out;
}

void Add(CommitReport& sum, const CommitReport& part) {
  sum.stored += part.stored;
  sum.out_of_order += part.out_of_order;
  sum.duplicate += part.duplicate;
  sum.out_of_bounds += part.out_of_bounds;
  sum.over_limit += part.over_limit;
}

// Retention may remove a series between its registration and the commit: those are registered
// again. What is gone even then is counted as over the limit.
Result<CommitReport> Store(std::vector<DecodedSeries>& decoded, SampleSink& sink) {
  constexpr int kAttempts = 3;
  CommitReport sum;
  std::vector<DecodedSeries*> waiting;
  for (DecodedSeries& series : decoded) waiting.push_back(&series);
  for (int attempt = 0; attempt < kAttempts && !waiting.empty(); ++attempt) {
    Appender appender(sink);
    std::unordered_map<SeriesRef, DecodedSeries*> by_ref;
    for (DecodedSeries* series : waiting) {
      const SeriesRef ref = appender.Register(series->labels);
      if (ref == kNoSeries) {
        sum.over_limit += series->samples.size();
        continue;
      }
      by_ref.emplace(ref, series);
      for (PendingSample& sample : series->samples) {
        sample.ref = ref;
        appender.Append(sample);
      }
    }
    waiting.clear();
    CommitReport part;
    ASSIGN_OR_RETURN(part, appender.Commit());
    Add(sum, part);
    for (const SeriesRef ref : part.gone) {
      if (const auto it = by_ref.find(ref); it != by_ref.end()) {
        waiting.push_back(it->second);
        by_ref.erase(it);
      }
    }
  }
  for (const DecodedSeries* series : waiting) sum.over_limit += series->samples.size();
  return sum;
}

std::string DescribeRefusals(const CommitReport& report) {
  std::string text;
  const auto say = [&text](size_t count, std::string_view what) {
    if (count == 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  say(report.out_of_order, "out of order");
  say(report.duplicate, "with another value for a known timestamp");
  say(report.out_of_bounds, "out of bounds");
  say(report.over_limit, "over the series limit");
  return text;
}

}  // namespace

Result<RemoteWriteReport> ReceiveRemoteWrite(std::string_view body, SampleSink& sink,
                                             const RemoteWriteLimits& limits) {
  std::string text;
  ASSIGN_OR_RETURN(text, Uncompress(body, limits));
  remote::WriteRequest request;
  if (!request.ParseFromString(text)) {
    return InvalidArgument("remote write: the body is not a WriteRequest");
  }
  if (static_cast<size_t>(request.timeseries_size()) > limits.max_series) {
    return ResourceExhausted(fmt::format("remote write: {} series, at most {} are taken",
                                         request.timeseries_size(), limits.max_series));
  }
  std::vector<DecodedSeries> decoded;
  decoded.reserve(static_cast<size_t>(request.timeseries_size()));
  for (const remote::TimeSeries& series : request.timeseries()) {
    DecodedSeries one;
    ASSIGN_OR_RETURN(one, ReadSeries(series, limits));
    decoded.push_back(std::move(one));
  }

  CommitReport committed;
  ASSIGN_OR_RETURN(committed, Store(decoded, sink));
  return RemoteWriteReport{.series = decoded.size(),
                           .samples = committed.stored,
                           .refused = committed.out_of_order + committed.duplicate +
                                      committed.out_of_bounds + committed.over_limit,
                           .refusal = DescribeRefusals(committed)};
}

std::string EncodeRemoteWrite(const std::vector<WrittenSeries>& series) {
  remote::WriteRequest request;
  for (const WrittenSeries& each : series) {
    remote::TimeSeries& written = *request.add_timeseries();
    for (const auto& [name, value] : each.labels) {
      remote::Label& label = *written.add_labels();
      label.set_name(name);
      label.set_value(value);
    }
    for (const auto& [t_ms, value] : each.samples) {
      remote::Sample& sample = *written.add_samples();
      sample.set_timestamp(t_ms);
      sample.set_value(value);
    }
  }
  const std::string plain = request.SerializeAsString();
  std::string body;
  snappy::Compress(plain.data(), plain.size(), &body);
  return body;
}

}  // namespace tocsin
