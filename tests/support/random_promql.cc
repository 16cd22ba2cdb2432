#include "tests/support/random_promql.h"

#include <initializer_list>
#include <limits>
#include <string_view>

namespace tocsin::testing_support {
namespace {

class Generator {
 public:
  explicit Generator(RandomSource& random) : random_(random) {}

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
    return Of({"15s", "30s", "1m", "90s", "2m", "5m", "7m30s", "10m", "1ms", "61s"});
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
    if (Chance(10)) {
      times += " @ " + Of({"start()", "end()", "1000600", "1000000", "1001799.999"});
    }
    return times;
  }

  std::string Selector() {
    if (Chance(4)) return "{__name__=~\"" + Of({"g|h", ".+", "c_.*"}) + "\"}" + Times();
    return Of({"g", "h", "c_total", "nothing"}) + Matchers() + Times();
  }

  std::string Range(int depth) {
    if (depth <= 0 || Chance(75)) {
      return Of({"g", "h", "c_total"}) + Matchers() + "[" + Duration() + "]" + Times();
    }
    return "(" + Vector(depth - 1) + ")[" + Of({"1m", "3m", "5m"}) + ":" +
           Of({"", "15s", "40s", "1m", "7s"}) + "]" + Times();
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
    return Of({" + ", " - ", " * ", " / ", " > ", " <= ", " == ", " != ", " > bool ", " == bool ",
               " ^ ", " % ", " atan2 "});
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
      return "quantile_over_time(" + Scalar(depth - 2) + ", " + Range(depth - 1) + ")";
    }
    if (Chance(10)) return "predict_linear(" + Range(depth - 1) + ", " + Number() + ")";
    return Of({"rate",
               "increase",
               "delta",
               "irate",
               "idelta",
               "deriv",
               "changes",
               "resets",
               "sum_over_time",
               "avg_over_time",
               "min_over_time",
               "max_over_time",
               "count_over_time",
               "present_over_time",
               "last_over_time",
               "first_over_time",
               "stdvar_over_time",
               "stddev_over_time",
               "mad_over_time",
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
    return Of({"abs", "ceil", "floor", "round", "sgn", "sqrt", "exp", "ln", "log2", "sin", "atan",
               "deg", "-"}) +
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
      return "count_values " + grouping + "(\"value\", round(" + Vector(depth - 2) + "))";
    }
    return Of({"sum ", "avg ", "count ", "min ", "max ", "group ", "stddev ", "stdvar "}) +
           grouping + "(" + Vector(depth - 1) + ")";
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
    switch (Below(6)) {
      case 5:
        return Of({"minute", "hour", "day_of_week", "day_of_month", "month", "year"}) +
               "(timestamp(" + Vector(depth - 1) + "))";
      case 0:
        return "absent(" + Vector(depth - 1) + ")";
      case 1:
        return "timestamp(" + Vector(depth - 1) + ")";
      case 2:
        return "vector(" + Scalar(depth - 1) + ")";
      case 3:
        return "sort(" + Vector(depth - 1) + ")";
      default:
        return Of({"minute()", "hour()", "day_of_month()"});
    }
  }

  RandomSource& random_;
};

}  // namespace

std::vector<NaiveSeries> RandomSeries(RandomSource& random) {
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  std::vector<NaiveSeries> data;
  for (const std::string_view name : {"g", "h", "c_total"}) {
    for (const std::string_view a : {"x", "y", "z"}) {
      for (const std::string_view b : {"1", "2", ""}) {
        if (below(4) == 0) continue;
        // Sixty-fourths keep sums exact and elements apart.
        const double mark = static_cast<double>(data.size()) / 64;
        NaiveSeries series{
            {{"__name__", std::string(name)}, {"a", std::string(a)}, {"b", std::string(b)}}, {}};
        double value = below(100);
        const int64_t every = below(2) == 0 ? 15'000 : 20'000;
        int64_t t = kRandomDataStartMs + below(20'000);
        while (t < kRandomDataStartMs + kRandomDataLengthMs) {
          value = name == "c_total" ? (below(30) == 0 ? 0 : value + below(10)) : below(200) - 100;
          const int kind = below(100);
          if (kind == 0) {
            series.samples.push_back({t, StaleNan()});
            t += below(10) * 60'000;
          } else if (kind == 1) {
            t += below(12) * 60'000;  // a gap
          } else if (kind == 2) {
            series.samples.push_back({t, NormalNan()});
          } else {
            series.samples.push_back({t, value + mark});
          }
          t += every + (below(3) == 0 ? below(2000) : 0);
        }
        data.push_back(std::move(series));
      }
    }
  }
  return data;
}

std::string RandomExpression(RandomSource& random) { return Generator(random).Any(); }

}  // namespace tocsin::testing_support
