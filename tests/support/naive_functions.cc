#include "tests/support/naive_functions.h"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <string>

namespace tocsin::testing_support {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

std::vector<double> Values(const NaiveWindow& window) {
  std::vector<double> values;
  for (const Sample& sample : window.samples) values.push_back(sample.value);
  return values;
}

double Mean(const std::vector<double>& values) {
  return NaiveSum(values) / static_cast<double>(values.size());
}

// The increase between the first and the last sample, extended to the edges of the window.
std::optional<double> Extrapolated(const NaiveWindow& window, bool counter, double seconds = 1) {
  const std::vector<Sample>& samples = window.samples;
  if (samples.size() < 2) return std::nullopt;
  const Sample& first = samples.front();
  const Sample& last = samples.back();
  double increase = last.value - first.value;
  for (size_t i = 1; counter && i < samples.size(); ++i) {
    if (samples[i].value < samples[i - 1].value) increase += samples[i - 1].value;
  }
  const double factor = NaiveExtrapolation(
      window, {first.t_ms, last.t_ms, samples.size(), counter, first.value, increase});
  // In this order, as in Prometheus: a difference in the last bit may be a fall to whom it is fed.
  return increase * (factor / seconds);
}

std::optional<double> Increase(const NaiveRangeCall& call) {
  return Extrapolated(call.window, true);
}
std::optional<double> Delta(const NaiveRangeCall& call) { return Extrapolated(call.window, false); }
std::optional<double> Rate(const NaiveRangeCall& call) {
  return Extrapolated(call.window, true, Seconds(call.window.end_ms - call.window.start_ms));
}

std::optional<double> Irate(const NaiveRangeCall& call) {
  const std::vector<Sample>& samples = call.window.samples;
  if (samples.size() < 2) return std::nullopt;
  const Sample& last = samples.back();
  const Sample& before = samples[samples.size() - 2];
  const double risen = last.value < before.value ? last.value : last.value - before.value;
  return risen / Seconds(last.t_ms - before.t_ms);
}
std::optional<double> Idelta(const NaiveRangeCall& call) {
  const std::vector<Sample>& samples = call.window.samples;
  if (samples.size() < 2) return std::nullopt;
  return samples.back().value - samples[samples.size() - 2].value;
}

// The line through the samples: slope per second, and height at `origin_ms`.
struct Line {
  double slope;
  double height;
};
std::optional<Line> LineThrough(const NaiveWindow& window, int64_t origin_ms) {
  if (window.samples.size() < 2) return std::nullopt;
  const std::vector<double> y = Values(window);
  if (std::ranges::all_of(y, [&](double v) { return v == y.front(); })) {
    if (std::isinf(y.front())) return Line{kNan, kNan};
    return Line{0, y.front()};
  }
  std::vector<double> x;
  std::vector<double> xy;
  std::vector<double> xx;
  for (const Sample& sample : window.samples) {
    x.push_back(Seconds(sample.t_ms - origin_ms));
    xy.push_back(x.back() * sample.value);
    xx.push_back(x.back() * x.back());
  }
  const auto n = static_cast<double>(x.size());
  const double slope = (NaiveSum(xy) - NaiveSum(x) * NaiveSum(y) / n) /
                       (NaiveSum(xx) - NaiveSum(x) * NaiveSum(x) / n);
  return Line{slope, Mean(y) - slope * Mean(x)};
}
std::optional<double> Deriv(const NaiveRangeCall& call) {
  if (call.window.samples.empty()) return std::nullopt;
  const std::optional<Line> line = LineThrough(call.window, call.window.samples.front().t_ms);
  if (!line) return std::nullopt;
  return line->slope;
}
std::optional<double> PredictLinear(const NaiveRangeCall& call) {
  const std::optional<Line> line = LineThrough(call.window, call.t_ms);
  if (!line) return std::nullopt;
  return line->height + line->slope * call.parameters[0];
}

// Holt's linear method: a level and a trend, each a mean of what is new and what was expected.
std::optional<double> DoubleExponentialSmoothing(const NaiveRangeCall& call) {
  const std::vector<double> v = Values(call.window);
  if (v.size() < 2) return std::nullopt;
  const double new_level = call.parameters[0];
  const double new_trend = call.parameters[1];
  double level = v[0];
  double trend = v[1] - v[0];
  for (size_t i = 1; i < v.size(); ++i) {
    const double before = level;
    level = new_level * v[i] + (1 - new_level) * (level + trend);
    trend = new_trend * (level - before) + (1 - new_trend) * trend;
  }
  return level;
}

std::optional<double> Changes(const NaiveRangeCall& call) {
  const std::vector<double> v = Values(call.window);
  if (v.empty()) return std::nullopt;
  double changes = 0;
  for (size_t i = 1; i < v.size(); ++i) {
    if (v[i] != v[i - 1] && !(std::isnan(v[i]) && std::isnan(v[i - 1]))) ++changes;
  }
  return changes;
}
std::optional<double> Resets(const NaiveRangeCall& call) {
  const std::vector<double> v = Values(call.window);
  if (v.empty()) return std::nullopt;
  double resets = 0;
  for (size_t i = 1; i < v.size(); ++i) resets += v[i] < v[i - 1] ? 1 : 0;
  return resets;
}

// What a reduction of the values gives, when there are any.
template <double (*kReduce)(const std::vector<double>&)>
std::optional<double> OfValues(const NaiveRangeCall& call) {
  if (call.window.samples.empty()) return std::nullopt;
  return kReduce(Values(call.window));
}
double Min(const std::vector<double>& values) {
  double min = kNan;
  for (const double v : values) min = v < min || std::isnan(min) ? v : min;
  return min;
}
double Max(const std::vector<double>& values) {
  double max = kNan;
  for (const double v : values) max = v > max || std::isnan(max) ? v : max;
  return max;
}
double Count(const std::vector<double>& values) { return static_cast<double>(values.size()); }
double One(const std::vector<double>&) { return 1; }
double Last(const std::vector<double>& values) { return values.back(); }
double First(const std::vector<double>& values) { return values.front(); }
double Deviation(const std::vector<double>& values) { return std::sqrt(NaiveVariance(values)); }
double Mad(const std::vector<double>& values) {
  if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return kNan;
  const double median = NaiveQuantile(0.5, values);
  std::vector<double> distances;
  for (const double v : values) distances.push_back(std::fabs(v - median));
  return NaiveQuantile(0.5, distances);
}
std::optional<double> QuantileOverTime(const NaiveRangeCall& call) {
  if (call.window.samples.empty()) return std::nullopt;
  return NaiveQuantile(call.parameters[0], Values(call.window));
}

// The time of the last of the samples that have that value; NaN when there are only NaNs.
std::optional<double> TimeOf(const NaiveWindow& window, double value) {
  std::optional<double> time;
  for (const Sample& sample : window.samples) {
    const bool same = sample.value == value || (std::isnan(sample.value) && std::isnan(value));
    if (same) time = Seconds(sample.t_ms);
  }
  return time;
}
std::optional<double> TimeOfMin(const NaiveRangeCall& call) {
  return TimeOf(call.window, Min(Values(call.window)));
}
std::optional<double> TimeOfMax(const NaiveRangeCall& call) {
  return TimeOf(call.window, Max(Values(call.window)));
}
std::optional<double> TimeOfFirst(const NaiveRangeCall& call) {
  if (call.window.samples.empty()) return std::nullopt;
  return Seconds(call.window.samples.front().t_ms);
}
std::optional<double> TimeOfLast(const NaiveRangeCall& call) {
  if (call.window.samples.empty()) return std::nullopt;
  return Seconds(call.window.samples.back().t_ms);
}

double DayOf(double v) { return std::floor(v / 86400); }
double Modulo(double a, double b) { return a - b * std::floor(a / b); }

struct Date {
  int64_t year;
  int month;
  int day;
};
bool IsLeap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
int DaysIn(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && IsLeap(year) ? 1 : 0);
}
// Counts the years and months since the epoch one by one.
Date DateOf(double seconds) {
  auto days = static_cast<int64_t>(DayOf(seconds));
  Date date{1970, 1, 1};
  while (days < 0) {
    --date.year;
    days += IsLeap(date.year) ? 366 : 365;
  }
  while (days >= (IsLeap(date.year) ? 366 : 365)) {
    days -= IsLeap(date.year) ? 366 : 365;
    ++date.year;
  }
  while (days >= DaysIn(date.year, date.month)) {
    days -= DaysIn(date.year, date.month);
    ++date.month;
  }
  date.day = static_cast<int>(days) + 1;
  return date;
}

double Round(double v, const std::vector<double>& parameters) {
  const double to = parameters.empty() ? 1 : parameters[0];
  return std::floor(v * (1 / to) + 0.5) / (1 / to);
}
// As in Go an infinity outweighs NaN.
double ClampMin(double v, const std::vector<double>& p) {
  if (v == kInf || p[0] == kInf) return kInf;
  return std::isnan(v) || std::isnan(p[0]) ? kNan : std::max(v, p[0]);
}
double ClampMax(double v, const std::vector<double>& p) {
  if (v == -kInf || p[0] == -kInf) return -kInf;
  return std::isnan(v) || std::isnan(p[0]) ? kNan : std::min(v, p[0]);
}
double Clamp(double v, const std::vector<double>& p) {
  return ClampMin(ClampMax(v, {p[1]}), {p[0]});
}

}  // namespace

double NaiveExtrapolation(const NaiveWindow& window, const NaiveEdges& edges) {
  const double sampled = Seconds(edges.last_ms - edges.first_ms);
  const double distance = sampled / static_cast<double>(edges.samples - 1);
  double before = Seconds(edges.first_ms - window.start_ms);
  double after = Seconds(window.end_ms - edges.last_ms);
  if (before >= distance * 1.1) before = distance / 2;
  if (edges.counter && edges.increase > 0 && edges.first >= 0) {
    before = std::min(before, sampled * (edges.first / edges.increase));
  }
  if (after >= distance * 1.1) after = distance / 2;
  return (sampled + before + after) / sampled;
}

double NaiveSum(const std::vector<double>& values) {
  double sum = 0;
  double lost = 0;
  for (const double v : values) {
    const double next = sum + v;
    if (std::isinf(next)) {
      lost = 0;
    } else if (std::fabs(sum) >= std::fabs(v)) {
      lost += (sum - next) + v;
    } else {
      lost += (v - next) + sum;
    }
    sum = next;
  }
  return sum + lost;
}

double NaiveQuantile(double q, std::vector<double> values) {
  if (values.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  // NaN is smaller than anything.
  std::ranges::sort(values,
                    [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(rank);
  const size_t above = std::min(below + 1, values.size() - 1);
  const double weight = rank - std::floor(rank);
  return values[below] * (1 - weight) + values[above] * weight;
}

namespace {

// With double precision and the deviations from a mean that moves: what an engine can have.
double VarianceOfDoubles(const std::vector<double>& values) {
  double count = 0;
  double mean = 0;
  double squares = 0;
  for (const double v : values) {
    const double delta = v - mean;
    mean += delta / ++count;
    squares += delta * (v - mean);
  }
  return squares / count;
}

}  // namespace

double NaiveVariance(const std::vector<double>& values) {
  // Who rounds in another direction wants to see what that does to doubles.
  if (std::fegetround() != FE_TONEAREST) return VarianceOfDoubles(values);
  // With more digits than the engine has, so that equal values have no variance.
  const auto count = static_cast<long double>(values.size());
  long double sum = 0;
  for (const double v : values) sum += v;
  long double squares = 0;
  for (const double v : values) squares += (v - sum / count) * (v - sum / count);
  return static_cast<double>(squares / count);
}

NaiveRangeFunction FindNaiveRangeFunction(std::string_view name) {
  static const std::map<std::string_view, NaiveRangeFunction> kFunctions = {
      {"rate", Rate},
      {"increase", Increase},
      {"delta", Delta},
      {"irate", Irate},
      {"idelta", Idelta},
      {"deriv", Deriv},
      {"predict_linear", PredictLinear},
      {"double_exponential_smoothing", DoubleExponentialSmoothing},
      {"changes", Changes},
      {"resets", Resets},
      {"sum_over_time", OfValues<NaiveSum>},
      {"avg_over_time", OfValues<Mean>},
      {"min_over_time", OfValues<Min>},
      {"max_over_time", OfValues<Max>},
      {"count_over_time", OfValues<Count>},
      {"present_over_time", OfValues<One>},
      {"last_over_time", OfValues<Last>},
      {"first_over_time", OfValues<First>},
      {"stdvar_over_time", OfValues<NaiveVariance>},
      {"stddev_over_time", OfValues<Deviation>},
      {"mad_over_time", OfValues<Mad>},
      {"quantile_over_time", QuantileOverTime},
      {"ts_of_min_over_time", TimeOfMin},
      {"ts_of_max_over_time", TimeOfMax},
      {"ts_of_first_over_time", TimeOfFirst},
      {"ts_of_last_over_time", TimeOfLast},
  };
  const auto found = kFunctions.find(name);
  return found == kFunctions.end() ? nullptr : found->second;
}

NaiveSampleFunction FindNaiveSampleFunction(std::string_view name) {
  using Parameters = const std::vector<double>&;
  static const std::map<std::string_view, NaiveSampleFunction> kFunctions = {
      {"abs", [](double v, Parameters) { return std::fabs(v); }},
      {"ceil", [](double v, Parameters) { return std::ceil(v); }},
      {"floor", [](double v, Parameters) { return std::floor(v); }},
      {"exp", [](double v, Parameters) { return std::exp(v); }},
      {"ln", [](double v, Parameters) { return std::log(v); }},
      {"log2", [](double v, Parameters) { return std::log2(v); }},
      {"log10", [](double v, Parameters) { return std::log10(v); }},
      {"sqrt", [](double v, Parameters) { return std::sqrt(v); }},
      {"sgn", [](double v, Parameters) { return v < 0   ? -1.0
                                                : v > 0 ? 1.0
                                                        : v; }},
      {"sin", [](double v, Parameters) { return std::sin(v); }},
      {"cos", [](double v, Parameters) { return std::cos(v); }},
      {"atan", [](double v, Parameters) { return std::atan(v); }},
      {"tan", [](double v, Parameters) { return std::tan(v); }},
      {"asin", [](double v, Parameters) { return std::asin(v); }},
      {"acos", [](double v, Parameters) { return std::acos(v); }},
      {"sinh", [](double v, Parameters) { return std::sinh(v); }},
      {"cosh", [](double v, Parameters) { return std::cosh(v); }},
      {"tanh", [](double v, Parameters) { return std::tanh(v); }},
      {"asinh", [](double v, Parameters) { return std::asinh(v); }},
      {"acosh", [](double v, Parameters) { return std::acosh(v); }},
      {"atanh", [](double v, Parameters) { return std::atanh(v); }},
      {"day_of_year",
       [](double v, Parameters) {
         double day = DateOf(v).day;
         for (int month = 1; month < DateOf(v).month; ++month) day += DaysIn(DateOf(v).year, month);
         return day;
       }},
      {"days_in_month",
       [](double v, Parameters) { return double(DaysIn(DateOf(v).year, DateOf(v).month)); }},
      {"deg", [](double v, Parameters) { return v * 180 / std::numbers::pi; }},
      {"rad", [](double v, Parameters) { return v * std::numbers::pi / 180; }},
      {"round", Round},
      {"clamp", Clamp},
      {"clamp_min", ClampMin},
      {"clamp_max", ClampMax},
      {"minute", [](double v, Parameters) { return std::floor(Modulo(v, 3600) / 60); }},
      {"hour", [](double v, Parameters) { return std::floor(Modulo(v, 86400) / 3600); }},
      {"day_of_week", [](double v, Parameters) { return Modulo(DayOf(v) + 4, 7); }},
      {"day_of_month", [](double v, Parameters) { return double(DateOf(v).day); }},
      {"month", [](double v, Parameters) { return double(DateOf(v).month); }},
      {"year", [](double v, Parameters) { return double(DateOf(v).year); }},
  };
  const auto found = kFunctions.find(name);
  return found == kFunctions.end() ? nullptr : found->second;
}

}  // namespace tocsin::testing_support
