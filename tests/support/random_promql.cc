#include "tests/support/random_promql.h"

#include <initializer_list>
#include <string_view>

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
    const std::string name = Of({"g", "h", "c_total", "r_total", "nothing", "d_bucket"});
    const bool smoothed = !world_.as_prometheus_2 && Chance(5);
    return name + Matchers() + (smoothed ? " smoothed" : "") + Times();
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

  // Numbers in the place of partners that are not there.
  std::string Fill() {
    if (world_.as_prometheus_2 || Chance(75)) return "";
    return Of({"fill (", "fill_left (", "fill_right ("}) + Of({"0", "-1.5", "3", "NaN"}) + ") ";
  }

  std::string Matched(int depth) {
    std::string op = Of({" + ", " - ", " * ", " / ", " > ", " <= ", " == ", " != "});
    if (Chance(50)) {
      const std::string left = Vector(depth - 1);
      return "(" + left + op + Matching() + Fill() + Vector(depth - 1) + ")";
    }
    const std::string many = Vector(depth - 1);
    const std::string one = Of({"sum", "min", "count"}) + " by (a) (" + Vector(depth - 1) + ")";
    const std::string include = Of({"()", "(a)", "(b)"});
    return Chance(70) ? "(" + many + op + Of({"on (a)", "ignoring (b)"}) + " group_left " +
                            (include == "(a)" ? "()" : include) + " " + Fill() + one + ")"
                      : "(" + one + op + "ignoring (b) group_right " +
                            (include == "(b)" ? "()" : include) + " " + Fill() + many + ")";
  }

  // Of what was stored, for functions to which a difference in the last bit is a fall, a change or
  // another extreme.
  std::string ExactRange() {
    if (world_.as_prometheus_2 || in_subquery_ || Chance(70)) return Range(0);
    return "(" + Selector() + ")[" + Of({"1m", "3m", "5m"}) + ":" + Of({"", "15s", "40s", "7s"}) +
           "]" + Times();
  }

  // Of what a series is at the edges of a window.
  std::string ExtendedCall() {
    const std::string range =
        Of({"g", "c_total", "r_total", "d_bucket", "n", "n"}) + Matchers() + "[" + Duration() + "]";
    if (Chance(20)) {
      return Of({"changes", "resets"}) + "(" + range + " anchored" + Times() + ")";
    }
    return Of({"rate", "increase", "delta"}) + "(" + range + Of({" anchored", " smoothed"}) +
           Times() + ")";
  }

  std::string RangeCall(int depth) {
    if (!world_.as_prometheus_2 && Chance(12)) return ExtendedCall();
    if (!world_.as_prometheus_2 && Chance(4)) {
      return "double_exponential_smoothing(" + Range(depth - 1) + ", 0." +
             std::to_string(1 + Below(9)) + ", 0." + std::to_string(1 + Below(9)) + ")";
    }
    if (Chance(10)) {
      return "quantile_over_time(" + Scalar(depth - 2) + ", " + VaryingRange(depth - 1) + ")";
    }
    if (Chance(10)) return "predict_linear(" + VaryingRange(depth - 1) + ", " + Number() + ")";
    if (Chance(20)) {
      return Of({"rate", "increase"}) + "(" +
             (world_.as_prometheus_2 ? Range(0, true) : ExactRange()) + ")";
    }
    if (Chance(20)) {
      const bool newer = !world_.as_prometheus_2 && Chance(40);
      return (newer ? Of({"ts_of_min_over_time", "ts_of_max_over_time"})
                    : Of({"irate", "changes", "resets"})) +
             "(" + ExactRange() + ")";
    }
    if (!world_.as_prometheus_2 && Chance(10)) {
      return Of({"mad_over_time", "first_over_time", "ts_of_first_over_time",
                 "ts_of_last_over_time"}) +
             "(" + Range(depth - 1) + ")";
    }
    return Of({"delta", "idelta", "deriv", "sum_over_time", "avg_over_time", "min_over_time",
               "max_over_time", "count_over_time", "present_over_time", "last_over_time",
               "stdvar_over_time", "stddev_over_time", "absent_over_time"}) +
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
    // By the order of the series and by their labels.
    if (!world_.as_prometheus_2 && Chance(5)) {
      return "limitk " + grouping + "(" + Of({"0", "1", "2", "5"}) + ", " + Of({"g", "n"}) +
             Matchers() + Times() + ")";
    }
    if (!world_.as_prometheus_2 && Chance(5)) {
      const bool before = std::exchange(labels_decide_, true);
      const std::string values = Vector(depth - 1);
      labels_decide_ = before;
      return "limit_ratio " + grouping + "(" + Of({"0.5", "-0.5", "0.2", "-0.8", "1", "0", "2"}) +
             ", " + values + ")";
    }
    if (Chance(5)) {
      return "count_values " + grouping + "(\"value\", round(" + Selector() + "))";
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
    if (!world_.as_prometheus_2 && Chance(12)) return Info();
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
    switch (Below(9)) {
      case 6:
        return "(" + Observations(depth) + Of({" </ ", " >/ "}) +
               Of({"0.3", "0", "-1", "2", "7.5", "Inf", "-0.0005"}) + ")";
      case 7:
        return "histogram_quantiles(" + Observations(depth) + ", \"q\", " + Quantile() + ", " +
               Quantile() + ")";
      case 8:
        // Where the very text decides custom buckets, whose bounds were stored; others are roots
        // of 2. As they were stored, with either sign: of computed ones the last digit may decide
        // whether a bucket is empty.
        return "count_values " + Of({"", "by (a) ", "without (b) "}) + "(\"value\", " +
               Of({"", "-", "2 * "}) + "n" + (labels_decide_ ? "{a=\"z\"}" : Matchers()) + Times() +
               ")";
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

  // ---- info metrics

  std::string Info() {
    const std::string base = Of({"u", "rate(u[2m])", "sum by (instance, job) (u)",
                                 "sum by (instance) (u)", "{__name__=~\"u|target_info\"}"});
    const std::string data =
        Of({"", "", ", {version=~\".+\"}", ", {version=\"2\"}", ", {zone=\"\"}",
            ", {__name__=\"build_info\"}", ", {__name__=~\".*_info\", version!=\"1\"}",
            ", {__name__!=\"build_info\"}", ", {version=~\".*\", zone=~\".*\"}"});
    return "info(" + base + data + ")";
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
  bool labels_decide_ = false;  // by a hash of their texts which elements are picked
};

}  // namespace

std::string RandomExpression(RandomSource& random, const RandomWorld& world) {
  return Generator(random, world).Any();
}

int64_t RandomTime(RandomSource& random, const RandomWorld& world) {
  const int64_t t =
      world.start_ms + std::uniform_int_distribution<int64_t>(0, kRandomDataLengthMs - 1)(random);
  return world.as_prometheus_2 ? t / 10 * 10 + 5 : t;
}

}  // namespace tocsin::testing_support
