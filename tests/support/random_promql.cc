#include "tests/support/random_promql.h"

#include <initializer_list>
#include <limits>
#include <string_view>

#include "engine/model/histogram.h"

namespace tocsin::testing_support {
namespace {

class Generator {
 public:
  Generator(RandomSource& random, const RandomWorld& world) : random_(random), world_(world) {}

  std::string Any() { return Chance(10) ? Scalar(3) : Vector(4); }

 private:
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool Chance(int percent) { return Below(100) < static_cast<size_t>(percent); }
  std::string Of(std::initializer_list<std::string_view> choices) {
    return std::string(*(choices.begin() + Below(choices.size())));
  }

  // ---- leaves

  std::string Number() {
    if (Chance(5)) return Of({"NaN", "Inf", "-Inf", "1e10", "-0.25"});
    return std::to_string(Below(12)) + (Chance(30) ? ".5" : "");
  }

  std::string Duration() {
    return Of({"15s", "30s", "1m", "90s", "2m", "5m", "7m30s", "10m", "10ms", "61s"});
  }

  std::string Matchers() {
    std::string matchers;
    const auto add = [&](const std::string& matcher) {
      matchers += (matchers.empty() ? "" : ",") + matcher;
    };
    if (Chance(40)) add("a" + Of({"=", "!="}) + "\"" + Of({"x", "y", "z", ""}) + "\"");
    if (Chance(20))
      add("b" + Of({"=~", "!~"}) + "\"" + Of({"1|2", ".+", "", "[12]", "3.*"}) + "\"");
    return matchers.empty() && Chance(70) ? "" : "{" + matchers + "}";
  }

  std::string Times() {
    std::string times;
    if (Chance(15)) times += " offset " + Of({"1m", "-1m", "5m", "37s", "10m"});
    if (Chance(10)) times += " @ " + (Chance(40) ? Of({"start()", "end()"}) : FixedTime());
    return times;
  }

  std::string FixedTime() {
    int64_t t = world_.start_ms + static_cast<int64_t>(Below(4)) * 600'000;
    if (world_.as_prometheus_2) t = t / 10 * 10 + 5;
    std::string text = std::to_string(t / 1000);
    if (t % 1000 != 0) text += "." + std::to_string(1000 + t % 1000).substr(1);
    return text;
  }

  std::string Selector() {
    if (Chance(4)) return "{__name__=~\"" + Of({"g|h", ".+", "c_.*"}) + "\"}" + Times();
    return Of({"g", "h", "c_total", "r_total", "nothing", "d_bucket"}) + Matchers() + Times();
  }

  std::string Range(int depth, bool rising = false) {
    // The steps of a subquery lie at the edges of one inside it.
    const bool plain = rising || (world_.as_prometheus_2 && in_subquery_);
    if (depth <= 0 || plain || Chance(75)) {
      const std::string metric =
          rising ? Of({"c_total", "d_bucket"}) : Of({"g", "h", "c_total", "r_total", "d_bucket"});
      return metric + Matchers() + "[" + Duration() + "]" + Times();
    }
    in_subquery_ = true;
    const std::string inner = Vector(depth - 1);
    in_subquery_ = false;
    return "(" + inner + ")[" + Of({"1m", "3m", "5m"}) + ":" + Of({"", "15s", "40s", "1m", "7s"}) +
           "]" + Times();
  }

  // Such that a rank never falls on the edge of a bucket, where rounding would decide.
  std::string Quantile() { return "0." + std::to_string(Below(100)) + "1379"; }

  // Of a function that is not the same at all steps although the range is.
  std::string VaryingRange(int depth) {
    std::string range = Range(depth);
    while (world_.as_prometheus_2 && range.find('@') != std::string::npos) range = Range(depth);
    return range;
  }
  std::string VaryingVector(int depth) {
    std::string vector = Vector(depth);
    while (world_.as_prometheus_2 && vector.find('@') != std::string::npos) vector = Vector(depth);
    return vector;
  }

  // ---- inner nodes

  std::string Scalar(int depth) {
    if (depth <= 0 || Chance(50)) return Number();
    switch (Below(5)) {
      case 0:
        return "scalar(" + Vector(depth - 1) + ")";
      case 1:
        return "(" + Scalar(depth - 1) + Of({" + ", " - ", " * ", " / ", " ^ ", " % "}) +
               Scalar(depth - 1) + ")";
      case 2:
        return "(" + Scalar(depth - 1) + Of({" == ", " != ", " < ", " >= "}) + "bool " +
               Scalar(depth - 1) + ")";
      case 3:
        return "-" + Number();
      default:
        return "time()";
    }
  }

  std::string Vector(int depth) {
    if (depth <= 0) return Selector();
    // In a subquery a difference in the last bit would be a change.
    if (!world_.as_prometheus_2 && !in_subquery_ && Chance(12)) return OfHistograms(depth - 1);
    switch (Below(12)) {
      case 0:
      case 1:
        return RangeCall(depth);
      case 2:
        return SampleCall(depth);
      case 3:
      case 4:
        return Aggregation(depth);
      case 5:
        return "(" + Vector(depth - 1) + ScalarOperator() + Scalar(depth - 1) + ")";
      case 6:
        return "(" + Scalar(depth - 1) + ScalarOperator() + Vector(depth - 1) + ")";
      case 7:
        return Matched(depth);
      case 8:
        return "(" + Vector(depth - 1) + Of({" and ", " or ", " unless "}) + Matching() +
               Vector(depth - 1) + ")";
      case 9:
        return LabelCall(depth);
      case 10:
        return OtherCall(depth);
      default:
        return Selector();
    }
  }

  std::string ScalarOperator() {
    if (!world_.as_prometheus_2 && Chance(8)) return " % ";
    return Of({" + ", " - ", " * ", " / ", " > ", " <= ", " == ", " != ", " > bool ", " == bool ",
               " ^ ", " atan2 "});
  }

  std::string Matching() {
    return Of({"", "", "on (a) ", "on (a, b) ", "on () ", "ignoring (b) ", "ignoring (a, b) "});
  }

  std::string Matched(int depth) {
    const std::string op = Of({" + ", " - ", " * ", " / ", " > ", " <= ", " == ", " != "});
    if (Chance(50)) {
      return "(" + Vector(depth - 1) + op + Matching() + Vector(depth - 1) + ")";
    }
    const std::string many = Vector(depth - 1);
    const std::string one = Of({"sum", "min", "count"}) + " by (a) (" + Vector(depth - 1) + ")";
    const std::string include = Of({"()", "(a)", "(b)"});
    return Chance(70) ? "(" + many + op + Of({"on (a)", "ignoring (b)"}) + " group_left " +
                            (include == "(a)" ? "()" : include) + " " + one + ")"
                      : "(" + one + op + "ignoring (b) group_right " +
                            (include == "(b)" ? "()" : include) + " " + many + ")";
  }

  std::string RangeCall(int depth) {
    if (Chance(10)) {
      return "quantile_over_time(" + Scalar(depth - 2) + ", " + VaryingRange(depth - 1) + ")";
    }
    if (Chance(10)) return "predict_linear(" + VaryingRange(depth - 1) + ", " + Number() + ")";
    if (Chance(20)) {
      return Of({"rate", "increase"}) + "(" + Range(depth - 1, world_.as_prometheus_2) + ")";
    }
    if (!world_.as_prometheus_2 && Chance(10)) {
      return Of({"mad_over_time", "first_over_time", "ts_of_min_over_time", "ts_of_max_over_time",
                 "ts_of_first_over_time", "ts_of_last_over_time"}) +
             "(" + Range(depth - 1) + ")";
    }
    return Of({"delta", "irate", "idelta", "deriv", "changes", "resets", "sum_over_time",
               "avg_over_time", "min_over_time", "max_over_time", "count_over_time",
               "present_over_time", "last_over_time", "stdvar_over_time", "stddev_over_time",
               "absent_over_time"}) +
           "(" + Range(depth - 1) + ")";
  }

  std::string SampleCall(int depth) {
    if (Chance(20)) {
      return Of({"clamp_min(", "clamp_max("}) + Vector(depth - 1) + ", " + Scalar(depth - 2) + ")";
    }
    if (Chance(10)) {
      return "clamp(" + Vector(depth - 1) + ", " + Number() + ", " + Number() + ")";
    }
    // Of large numbers these magnify what differs in the last bit.
    if (Chance(15)) {
      const std::string argument = world_.as_prometheus_2 ? Selector() : Vector(depth - 1);
      return Chance(70) ? Of({"sin", "cos", "tan"}) + "(" + argument + ")"
                        : "(" + argument + " % 7)";
    }
    return Of({"abs",   "ceil",  "floor", "round", "sgn",  "sqrt", "exp",  "ln",
               "log2",  "log10", "asin",  "acos",  "atan", "sinh", "cosh", "tanh",
               "asinh", "acosh", "atanh", "deg",   "rad",  "-"}) +
           "(" + Vector(depth - 1) + ")";
  }

  std::string Aggregation(int depth) {
    const std::string grouping = Of({"", "by (a) ", "by (b) ", "by (a, b) ", "without (a) ",
                                     "without () ", "by (__name__) ", "without (a, b) "});
    if (Chance(10)) {
      return "quantile " + grouping + "(" + Scalar(depth - 2) + ", " + Vector(depth - 1) + ")";
    }
    // Of selectors alone: elsewhere elements may be equal, and then either may be picked.
    if (Chance(15)) {
      return Of({"topk ", "bottomk "}) + grouping + "(" + Of({"0", "1", "2", "3", "100"}) + ", " +
             Of({"g", "h"}) + Matchers() + Times() + ")";
    }
    if (Chance(5)) {
      return "count_values " + grouping + "(\"value\", round(" +
             (world_.as_prometheus_2 ? Selector() : Vector(depth - 2)) + "))";
    }
    if (Chance(20)) {
      const std::string values = Vector(depth - 1);
      return Of({"stddev ", "stdvar "}) + grouping + "(" +
             (world_.as_prometheus_2 ? "-1e6 < " + values + " < 1e6" : values) + ")";
    }
    return Of({"sum ", "avg ", "count ", "min ", "max ", "group "}) + grouping + "(" +
           Vector(depth - 1) + ")";
  }

  std::string LabelCall(int depth) {
    if (Chance(40)) {
      return "label_join(" + Vector(depth - 1) + ", \"" + Of({"a", "c"}) + "\", \"-\", \"b\", \"" +
             Of({"a", "d"}) + "\")";
    }
    return "label_replace(" + Vector(depth - 1) + ", \"" + Of({"a", "b", "c", "__name__"}) +
           "\", \"" + Of({"$1", "new", "", "${1}_x"}) + "\", \"" + Of({"a", "b", "d"}) + "\", \"" +
           Of({"(.*)", "(x|1)", "", "(.).*"}) + "\")";
  }

  std::string OtherCall(int depth) {
    switch (Below(8)) {
      case 7:
      case 6:
        return ClassicHistogram(depth);
      case 5:
        return Of({"minute", "hour", "day_of_week", "day_of_month", "month", "year"}) +
               "(timestamp(" + VaryingVector(depth - 1) + "))";
      case 0:
        return "absent(" + Vector(depth - 1) + ")";
      case 1:
        return "timestamp(" + VaryingVector(depth - 1) + ")";
      case 2:
        return "vector(" + Scalar(depth - 1) + ")";
      case 3:
        return "sort(" + Vector(depth - 1) + ")";
      default:
        return Of({"minute()", "hour()", "day_of_month()"});
    }
  }

  // ---- native histograms

  // Of observations, so that none is negative.
  std::string Observations(int depth) {
    const std::string range = "(n" + Matchers() + "[" + Duration() + "]" + Times() + ")";
    switch (depth <= 0 ? Below(2) : Below(4)) {
      case 0:
        return "n" + Matchers() + Times();
      case 1:
        return Of({"rate", "increase", "irate", "sum_over_time", "avg_over_time", "last_over_time",
                   "first_over_time"}) +
               range;
      case 2:
        return Of({"sum ", "avg "}) + Of({"", "by (a) ", "without (b) "}) + "(" +
               Observations(depth - 1) + ")";
      default:
        return "(" + Observations(depth - 1) + Of({" * ", " / "}) + Of({"2", "0.5", "3"}) + ")";
    }
  }

  std::string Histograms(int depth) {
    switch (depth <= 0 ? 0 : Below(5)) {
      case 1:
        return Of({"delta", "idelta"}) + "(n" + Matchers() + "[" + Duration() + "]" + Times() + ")";
      case 2:
        return "(" + Histograms(depth - 1) + Of({" + ", " - "}) + Matching() +
               Histograms(depth - 1) + ")";
      case 3:
        return "-" + Histograms(depth - 1);
      case 4:
        // As they were stored: computed ones may have empty buckets, or not.
        return "(n" + Matchers() + Times() + Of({" == ", " != ", " > ", " == bool "}) + Matching() +
               "n" + Matchers() + Times() + ")";
      default:
        return Observations(depth);
    }
  }

  std::string OfHistograms(int depth) {
    switch (Below(6)) {
      case 0:
        return Of({"histogram_stddev", "histogram_stdvar"}) + "(" + Observations(depth) + ")";
      case 1:
        return "histogram_quantile(" + Quantile() + ", " + Observations(depth) + ")";
      case 2:
        return "histogram_fraction(" + Of({"-1, ", "0, ", "0.3, "}) +
               Of({"1, ", "2.5, ", "100, "}) + Observations(depth) + ")";
      case 3:
        return Of({"changes", "resets", "count_over_time", "present_over_time", "max_over_time"}) +
               "(n" + Matchers() + "[" + Duration() + "]" + Times() + ")";
      case 4:
        return Histograms(depth);
      default:
        return Of({"histogram_count", "histogram_sum", "histogram_avg", "abs", "max", "count",
                   "timestamp", "absent"}) +
               "(" + Histograms(depth) + ")";
    }
  }

  std::string ClassicHistogram(int depth) {
    const std::string buckets = Chance(50)
                                    ? "d_bucket" + Matchers() + Times()
                                    : Of({"rate", "increase"}) + "(" + "d_bucket" + Matchers() +
                                          "[" + Of({"1m", "2m", "5m"}) + "]" + Times() + ")";
    const std::string grouped =
        Chance(50) ? buckets : "sum by (le" + Of({"", ", a", ", b"}) + ") (" + buckets + ")";
    if (!world_.as_prometheus_2 && Chance(30)) {
      return "histogram_fraction(" + Scalar(0) + ", " + Scalar(0) + ", " + grouped + ")";
    }
    const std::string quantile = Chance(70) ? Quantile() : Scalar(depth - 2);
    return "histogram_quantile(" + quantile + ", " + grouped + ")";
  }

  RandomSource& random_;
  const RandomWorld& world_;
  bool in_subquery_ = false;
};

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
  if (!world.as_prometheus_2) AddNativeHistograms(writer, random, data);
  return data;
}

std::string RandomExpression(RandomSource& random, const RandomWorld& world) {
  return Generator(random, world).Any();
}

int64_t RandomTime(RandomSource& random, const RandomWorld& world) {
  const int64_t t =
      world.start_ms + std::uniform_int_distribution<int64_t>(0, kRandomDataLengthMs - 1)(random);
  return world.as_prometheus_2 ? t / 10 * 10 + 5 : t;
}

}  // namespace tocsin::testing_support
