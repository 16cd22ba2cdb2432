// The data of random comparisons.
#include <limits>
#include <memory>
#include <string_view>

#include "engine/model/histogram.h"
#include "tests/support/random_promql.h"

namespace tocsin::testing_support {
namespace {

// Writes one random series.
class SeriesWriter {
 public:
  SeriesWriter(RandomSource& random, const RandomWorld& world) : random_(random), world_(world) {}

  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  // `next(previous)` makes a value of the one before.
  enum class Specials { kSome, kNone };  // NaN and the infinities
  template <typename Next>
  std::vector<Sample> Samples(double value, Next next, Specials specials = Specials::kSome) {
    std::vector<Sample> samples;
    const int64_t every = Below(2) == 0 ? 15'000 : 20'000;
    int64_t t = world_.start_ms + Below(20'000);
    while (t < world_.start_ms + kRandomDataLengthMs) {
      value = next(value);
      // Never where a query may have an edge.
      const int64_t at = world_.as_prometheus_2 ? t / 10 * 10 + 3 : t;
      const int kind = Below(100);
      if (kind == 0) {
        samples.push_back({at, StaleNan()});
        t += Below(10) * 60'000;
      } else if (kind == 1) {
        t += Below(12) * 60'000;  // a gap
      } else if (kind == 2 && specials == Specials::kSome) {
        samples.push_back({at, Below(4) == 0 ? Infinity() : NormalNan()});
      } else {
        samples.push_back({at, value});
      }
      t += every + (Below(3) == 0 ? Below(2000) : 0);
    }
    return samples;
  }

 private:
  double Infinity() {
    const double infinity = std::numeric_limits<double>::infinity();
    return Below(2) == 0 ? infinity : -infinity;
  }

  RandomSource& random_;
  const RandomWorld& world_;
};

// A native histogram that observes more and more, and now and then begins anew, with finer or
// coarser buckets.
class HistogramWriter {
 public:
  HistogramWriter(RandomSource& random, bool custom) : random_(random), custom_(custom) {
    Restart();
  }

  HistogramPtr Next() {
    if (Below(25) == 0) Restart();
    for (int observations = Below(6); observations > 0; --observations) {
      ++histogram_.positive_buckets[static_cast<size_t>(Below(kBuckets))];
      ++histogram_.count;
      histogram_.sum += Below(16);
      if (custom_) continue;
      if (Below(3) == 0) {
        ++histogram_.negative_buckets[static_cast<size_t>(Below(2))];
        ++histogram_.count;
      }
      if (Below(3) == 0) {
        ++histogram_.zero_count;
        ++histogram_.count;
      }
    }
    return std::make_shared<const FloatHistogram>(histogram_);
  }

 private:
  static constexpr int kBuckets = 5;

  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  void Restart() {
    histogram_ = {};
    histogram_.positive_spans = {{custom_ ? 0 : Below(4) - 1, kBuckets}};
    // Not one side is empty: whether its buckets are there at all would make a difference.
    histogram_.positive_buckets = {1, 0, 0, 0, 0};
    histogram_.count = 1;
    if (custom_) {
      histogram_.schema = kCustomBucketsSchema;
      histogram_.custom_bounds = {0.5, 1, Below(3) == 0 ? 2.0 : 2.5, 10};
      return;
    }
    histogram_.schema = Below(3);
    // No bucket lies in it.
    histogram_.zero_threshold = Below(3) == 0 ? 0.25 : 0.001;
    histogram_.negative_spans = {{1, 2}};
    histogram_.negative_buckets = {1, 1};
    histogram_.count = 3;
  }

  RandomSource& random_;
  const bool custom_;
  FloatHistogram histogram_;
};

void AddNativeHistograms(SeriesWriter& writer, RandomSource& random,
                         std::vector<NaiveSeries>& data) {
  for (const std::string_view a : {"x", "y", "z"}) {
    for (const std::string_view b : {"1", "2"}) {
      NaiveSeries series{{{"__name__", "n"}, {"a", std::string(a)}, {"b", std::string(b)}}, {}, {}};
      HistogramWriter histograms(random, a == "z");
      for (const Sample& sample : writer.Samples(
               0, [](double v) { return v + 1; }, SeriesWriter::Specials::kNone)) {
        if (IsStaleNan(sample.value) || writer.Below(60) == 0) {
          series.samples.push_back(sample);
        } else {
          series.histograms.push_back({sample.t_ms, histograms.Next()});
        }
      }
      data.push_back(std::move(series));
    }
  }
}

void AddBuckets(SeriesWriter& writer, std::vector<NaiveSeries>& data) {
  for (const std::string_view a : {"x", "y"}) {
    double share = 0;
    for (const std::string_view le : {"0.1", "0.5", "1", "2.5", "+Inf"}) {
      if (writer.Below(12) == 0) continue;
      share += 1 + writer.Below(5);
      NaiveSeries series{
          {{"__name__", "d_bucket"}, {"a", std::string(a)}, {"le", std::string(le)}}, {}, {}};
      series.samples = writer.Samples(
          10'000 * share, [share](double before) { return before + share; },
          SeriesWriter::Specials::kNone);
      data.push_back(std::move(series));
    }
  }
}

// A counter u for each instance and job, and the info metrics target_info and build_info, whose
// version changes in the middle: the old series ends without a marker, or overlaps the new one.
void AddInfoSeries(SeriesWriter& writer, std::vector<NaiveSeries>& data) {
  const auto add = [&](LabelSet labels, std::vector<Sample> samples) {
    if (!samples.empty()) data.push_back({std::move(labels), std::move(samples), {}});
  };
  const auto rising = [](double before) { return before + 1; };
  const auto constant = [](double) { return 1.0; };
  using Specials = SeriesWriter::Specials;
  for (const std::string_view instance : {"p", "q"}) {
    for (const std::string_view job : {"j", "k"}) {
      const LabelSet identity{{"instance", std::string(instance)}, {"job", std::string(job)}};
      const auto named = [&](const std::string& name) {
        LabelSet labels = identity;
        labels.Set(kMetricName, name);
        return labels;
      };
      add(named("u"), writer.Samples(10'000, rising, Specials::kNone));
      for (const std::string& name : {std::string("target_info"), std::string("build_info")}) {
        if (writer.Below(4) == 0) continue;
        std::vector<Sample> samples = writer.Samples(1, constant, Specials::kNone);
        const auto middle = static_cast<size_t>(writer.Below(static_cast<int>(samples.size())));
        LabelSet old_labels = named(name);
        if (name == "target_info") old_labels.Set("zone", "z");
        LabelSet new_labels = old_labels;
        old_labels.Set("version", "1");
        new_labels.Set("version", name == "target_info" || writer.Below(3) == 0 ? "2" : "1");
        new_labels.Set("commit", name == "build_info" ? "c" : "");
        const auto at = samples.begin() + static_cast<std::ptrdiff_t>(middle);
        add(old_labels, {samples.begin(), at});
        add(new_labels, {at, samples.end()});
      }
    }
  }
}

}  // namespace

std::vector<NaiveSeries> RandomSeries(RandomSource& random, const RandomWorld& world) {
  SeriesWriter writer(random, world);
  std::vector<NaiveSeries> data;
  for (const std::string_view name : {"g", "h", "c_total", "r_total"}) {
    for (const std::string_view a : {"x", "y", "z"}) {
      for (const std::string_view b : {"1", "2", ""}) {
        if (writer.Below(4) == 0) continue;
        // Sixty-fourths keep sums exact and elements apart.
        const double mark = static_cast<double>(data.size()) / 64;
        NaiveSeries series{
            {{"__name__", std::string(name)}, {"a", std::string(a)}, {"b", std::string(b)}},
            {},
            {}};
        const bool counter = name.ends_with("_total");
        const bool falls = name == "r_total";
        series.samples = writer.Samples(counter ? 10'000 + mark : 0, [&](double before) {
          if (!counter) return writer.Below(200) - 100 + mark;
          return falls && writer.Below(30) == 0 ? mark : before + writer.Below(10);
        });
        data.push_back(std::move(series));
      }
    }
  }
  AddBuckets(writer, data);
  if (!world.as_prometheus_2) {
    AddNativeHistograms(writer, random, data);
    AddInfoSeries(writer, data);
  }
  return data;
}

}  // namespace tocsin::testing_support
