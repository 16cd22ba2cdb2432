// Functions of native and classic histograms.
#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/go_float.h"
#include "base/time.h"
#include "engine/model/histogram_quantile.h"
#include "engine/promql/classic_histogram.h"
#include "engine/promql/functions.h"
#include "engine/promql/quote.h"

namespace tocsin::promql {
namespace {

// Of a vector that an aggregation has left without names, nothing.
std::string ForMetric(std::string_view name) {
  return name.empty() ? "" : " for metric name " + Quote(name);
}

// A value of every native histogram; floats are left out.
template <typename ValueOf>
Block OfHistograms(Block block, ValueOf value_of) {
  Block out(block.list() == nullptr ? Block(block.steps()) : Block(block.list(), block.steps()));
  for (size_t series = 0; series < block.series(); ++series) {
    out.set_drop_name(series, block.drop_name(series));
    for (size_t step = 0; step < block.steps(); ++step) {
      const HistogramPtr& histogram = block.Histogram(series, step);
      if (block.Has(series, step) && histogram != nullptr) {
        out.Set(series, step, value_of(*histogram));
      }
    }
  }
  return out;
}

// The histograms of a vector: native ones by row, classic ones by their rows' labels without le.
class HistogramSet {
 public:
  struct Group {
    Labels labels;
    bool drop_name = false;
    std::vector<std::pair<double, size_t>> rows;  // upper bound and row of each classic bucket
    std::vector<size_t> natives;
  };

  HistogramSet(const CallContext& context, const Block& block, size_t vector_arg)
      : context_(context), block_(block), position_(context.arg_positions[vector_arg]) {
    const SymbolId le = context.symbols.Intern("le");
    for (size_t row = 0; row < block.series(); ++row) AddRow(row, le);
  }

  const std::vector<Group>& groups() const { return groups_; }
  PositionRange position() const { return position_; }
  std::string NameOf(const Group& group) const {
    return std::string(context_.symbols.Text(group.labels.Get(context_.metric_name)));
  }

  // The native histogram of a group at a step, or null and the classic buckets; neither when both
  // are there.
  const FloatHistogram* At(const Group& group, size_t step,
                           std::vector<ClassicBucket>& buckets) const {
    buckets.clear();
    for (const auto& [bound, row] : group.rows) {
      if (block_.Has(row, step) && block_.Histogram(row, step) == nullptr) {
        buckets.push_back({bound, block_.Value(row, step)});
      }
    }
    const FloatHistogram* native = nullptr;
    for (const size_t row : group.natives) {
      if (block_.Has(row, step) && block_.Histogram(row, step) != nullptr) {
        native = block_.Histogram(row, step).get();
      }
    }
    if (native == nullptr || buckets.empty()) return native;
    buckets.clear();
    context_.annotations.Warn(
        "PromQL warning: vector contains a mix of classic and native histograms" +
            ForMetric(NameOf(group)),
        position_);
    return nullptr;
  }

 private:
  void AddRow(size_t row, SymbolId le) {
    const Labels& labels = block_.labels(row);
    if (HasAny(row, true)) Find(labels, row).natives.push_back(row);
    if (!HasAny(row, false)) return;
    const std::string text(context_.symbols.Text(labels.Get(le)));
    const std::optional<double> bound = ParseGoFloat(text);
    if (!bound) {
      context_.annotations.Warn(
          "PromQL warning: bucket label \"le\" is missing or has a malformed value of " +
              Quote(text) + ForMetric(context_.symbols.Text(labels.Get(context_.metric_name))),
          position_);
      return;
    }
    Labels without_le = labels;
    without_le.Set(le, kEmptySymbol);
    Find(without_le, row).rows.emplace_back(*bound, row);
  }

  bool HasAny(size_t row, bool histogram) const {
    for (size_t step = 0; step < block_.steps(); ++step) {
      if (block_.Has(row, step) && (block_.Histogram(row, step) != nullptr) == histogram) {
        return true;
      }
    }
    return false;
  }

  Group& Find(const Labels& labels, size_t row) {
    const auto [entry, fresh] = index_.try_emplace(labels, groups_.size());
    if (fresh) groups_.push_back({.labels = labels});
    Group& group = groups_[entry->second];
    group.drop_name = group.drop_name || block_.drop_name(row);
    return group;
  }

  const CallContext& context_;
  const Block& block_;
  const PositionRange position_;
  std::vector<Group> groups_;
  std::unordered_map<Labels, size_t, LabelsHash> index_;
};

// 1 as "1.0", as OpenMetrics writes the bounds of buckets and quantiles.
std::string OpenMetricsNumber(double v) {
  std::string text = FormatGoV(v);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

// RFC 3339 without a fraction.
std::string WholeSecond(int64_t t_ms) {
  constexpr size_t kLength = std::string_view("1970-01-01T00:00:00").size();
  return FormatRfc3339(FromMs(t_ms)).substr(0, kLength) + "Z";
}

// Fixes of falling buckets, told once per metric for the whole query.
class MonotonicityNotes {
 public:
  void Add(const std::string& name, const MonotonicityFix& fix, int64_t t_ms) {
    const auto [entry, fresh] = notes_.try_emplace(name, Note{fix, t_ms, t_ms, 0});
    Note& note = entry->second;
    note.fix.min_bucket = std::min(note.fix.min_bucket, fix.min_bucket);
    note.fix.max_bucket = std::max(note.fix.max_bucket, fix.max_bucket);
    note.fix.max_difference = std::max(note.fix.max_difference, fix.max_difference);
    note.first_ms = std::min(note.first_ms, t_ms);
    note.last_ms = std::max(note.last_ms, t_ms);
    ++note.samples;
  }

  void Tell(Annotations& annotations, PositionRange position) const {
    for (const auto& [name, note] : notes_) {
      annotations.Info(
          "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
          "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)" +
              ForMetric(name) + ", from buckets " + FormatGoV(note.fix.min_bucket) + " to " +
              FormatGoV(note.fix.max_bucket) + ", with a max diff of " +
              FormatPrecision(note.fix.max_difference, 2) + ", over " +
              std::to_string(note.samples) + " samples from " + WholeSecond(note.first_ms) +
              " to " + WholeSecond(note.last_ms),
          position);
    }
  }

 private:
  struct Note {
    MonotonicityFix fix;
    int64_t first_ms;
    int64_t last_ms;
    size_t samples;
  };
  std::map<std::string, Note> notes_;
};

// The quantiles of every histogram, one at a time.
class QuantileWriter {
 public:
  QuantileWriter(const CallContext& context, const Block& vector, size_t vector_arg)
      : context_(context), set_(context, vector, vector_arg) {}
  ~QuantileWriter() { notes_.Tell(context_.annotations, set_.position()); }
  QuantileWriter(const QuantileWriter&) = delete;
  QuantileWriter& operator=(const QuantileWriter&) = delete;

  // Adds a row for every histogram; `relabel` changes its labels.
  template <typename Relabel>
  void Write(const Block& quantile, size_t quantile_arg, Block& out, Relabel relabel) {
    for (size_t step = 0; step < out.steps(); ++step) CheckRange(quantile, quantile_arg, step);
    std::vector<ClassicBucket> buckets;
    for (const HistogramSet::Group& group : set_.groups()) {
      std::optional<size_t> row;
      for (size_t step = 0; step < out.steps(); ++step) {
        const double q = quantile.Value(0, step);
        const FloatHistogram* native = set_.At(group, step, buckets);
        if (native == nullptr && buckets.empty()) continue;
        const double value =
            native != nullptr ? OfNative(group, q, *native) : OfClassic(group, q, step, buckets);
        if (!row) row = out.AddSeries(relabel(group.labels, q), group.drop_name);
        out.Set(*row, step, value);
      }
    }
  }

 private:
  void CheckRange(const Block& quantile, size_t quantile_arg, size_t step) {
    const double q = quantile.Value(0, step);
    if (q >= 0 && q <= 1) return;
    context_.annotations.Warn(
        "PromQL warning: quantile value should be between 0 and 1, got " + FormatGoV(q),
        context_.arg_positions[quantile_arg]);
  }

  double OfNative(const HistogramSet::Group& group, double q, const FloatHistogram& histogram) {
    const HistogramEstimate estimate = HistogramQuantile(q, histogram);
    const auto note = [&](const std::string& what) {
      context_.annotations.Info(
          "PromQL info: input to histogram_quantile has NaN observations, "
          "result is " +
              what + ForMetric(VisibleName(group)),
          set_.position());
    };
    if (estimate.nans == HistogramEstimate::Nans::kResultIsNan) note("NaN");
    if (estimate.nans == HistogramEstimate::Nans::kSkewed) note("skewed higher");
    return estimate.value;
  }

  double OfClassic(const HistogramSet::Group& group, double q, size_t step,
                   std::vector<ClassicBucket>& buckets) {
    const ClassicQuantile quantile = BucketQuantile(q, buckets);
    if (quantile.fix.forced) {
      notes_.Add(VisibleName(group), quantile.fix, context_.steps.At(step));
    }
    return quantile.value;
  }

  // Unless its removal waits, the name is gone when a quantile is estimated.
  std::string VisibleName(const HistogramSet::Group& group) const {
    return context_.delayed_name_removal ? set_.NameOf(group) : "";
  }

  const CallContext& context_;
  const HistogramSet set_;
  MonotonicityNotes notes_;
};

}  // namespace

Result<Block> VectorHistogramAvg(const CallContext& /*context*/, std::vector<Block> args) {
  return OfHistograms(std::move(args[0]), [](const FloatHistogram& histogram) {
    return histogram.sum / histogram.count;
  });
}

Result<Block> VectorHistogramCount(const CallContext& /*context*/, std::vector<Block> args) {
  return OfHistograms(std::move(args[0]),
                      [](const FloatHistogram& histogram) { return histogram.count; });
}

Result<Block> VectorHistogramSum(const CallContext& /*context*/, std::vector<Block> args) {
  return OfHistograms(std::move(args[0]),
                      [](const FloatHistogram& histogram) { return histogram.sum; });
}

Result<Block> VectorHistogramStdvar(const CallContext& /*context*/, std::vector<Block> args) {
  return OfHistograms(std::move(args[0]), HistogramVariance);
}

Result<Block> VectorHistogramStddev(const CallContext& /*context*/, std::vector<Block> args) {
  return OfHistograms(std::move(args[0]), [](const FloatHistogram& histogram) {
    return std::sqrt(HistogramVariance(histogram));
  });
}

Result<Block> VectorHistogramQuantile(const CallContext& context, std::vector<Block> args) {
  Block out(context.steps.count);
  QuantileWriter(context, args[1], 1).Write(args[0], 0, out, [](const Labels& labels, double) {
    return labels;
  });
  return out;
}

Result<Block> VectorHistogramQuantiles(const CallContext& context, std::vector<Block> args) {
  const Expr* name = context.call.args[1];
  while (const Paren* paren = name->As<Paren>()) name = paren->expr;
  const SymbolId label = context.symbols.Intern(name->As<StringLiteral>()->value);
  Block out(context.steps.count);
  QuantileWriter writer(context, args[0], 0);
  for (size_t arg = 2; arg < args.size(); ++arg) {
    writer.Write(args[arg], arg, out, [&](Labels labels, double q) {
      labels.Set(label, context.symbols.Intern(OpenMetricsNumber(q)));
      return labels;
    });
  }
  return out;
}

Result<Block> VectorHistogramFraction(const CallContext& context, std::vector<Block> args) {
  Block out(context.steps.count);
  const HistogramSet set(context, args[2], 2);
  std::vector<ClassicBucket> buckets;
  for (const HistogramSet::Group& group : set.groups()) {
    const size_t row = out.AddSeries(group.labels, group.drop_name);
    for (size_t step = 0; step < out.steps(); ++step) {
      const double lower = args[0].Value(0, step);
      const double upper = args[1].Value(0, step);
      if (const FloatHistogram* native = set.At(group, step, buckets); native != nullptr) {
        const HistogramEstimate estimate = HistogramFraction(lower, upper, *native);
        if (estimate.nans == HistogramEstimate::Nans::kSkewed) {
          context.annotations.Info(
              "PromQL info: input to histogram_fraction has NaN observations, which are excluded "
              "from all fractions" +
                  ForMetric(context.delayed_name_removal ? set.NameOf(group) : ""),
              set.position());
        }
        out.Set(row, step, estimate.value);
      } else if (!buckets.empty()) {
        out.Set(row, step, BucketFraction(lower, upper, buckets));
      }
    }
  }
  return out;
}

}  // namespace tocsin::promql
