// Functions of ranges with native histograms, for the naive evaluator.
#include <cmath>
#include <map>

#include "tests/support/naive_functions.h"

namespace tocsin::testing_support {
namespace {

using Number = std::optional<NaiveNumber>;
using Histograms = std::vector<NaiveHistogramPtr>;

NaiveNumber Float(double value) { return {value, nullptr}; }
double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

// The histograms of a window without floats; nothing when there are floats.
std::optional<Histograms> OnlyHistograms(const NaiveWindow& window) {
  Histograms histograms;
  for (const NaiveWindow::At& at : window.all) {
    if (at.number.histogram == nullptr) return std::nullopt;
    histograms.push_back(at.number.histogram);
  }
  return histograms;
}

Number Sum(const NaiveWindow& window) {
  const std::optional<Histograms> histograms = OnlyHistograms(window);
  if (!histograms) return std::nullopt;
  const std::optional<NaiveHistogram> sum = NaiveHistogramSum(*histograms);
  return sum ? Number(OfHistogram(*sum)) : std::nullopt;
}

Number Average(const NaiveWindow& window) {
  const Number sum = Sum(window);
  if (!sum) return std::nullopt;
  return OfHistogram(Divided(*sum->histogram, static_cast<double>(window.all.size())));
}

Number Count(const NaiveWindow& window) { return Float(static_cast<double>(window.all.size())); }
Number Present(const NaiveWindow&) { return Float(1); }
Number First(const NaiveWindow& window) { return window.all.front().number; }
Number Last(const NaiveWindow& window) { return window.all.back().number; }
Number TimeOfFirst(const NaiveWindow& window) { return Float(Seconds(window.all.front().t_ms)); }
Number TimeOfLast(const NaiveWindow& window) { return Float(Seconds(window.all.back().t_ms)); }

bool Changed(const NaiveNumber& before, const NaiveNumber& now) {
  if (before.histogram != nullptr && now.histogram != nullptr) {
    return *before.histogram != *now.histogram;
  }
  if (before.histogram != nullptr || now.histogram != nullptr) return true;
  return before.value != now.value && !(std::isnan(before.value) && std::isnan(now.value));
}

bool Fell(const NaiveNumber& before, const NaiveNumber& now) {
  if (before.histogram != nullptr && now.histogram != nullptr) {
    return IsReset(*before.histogram, *now.histogram);
  }
  if (before.histogram != nullptr || now.histogram != nullptr) return true;
  return now.value < before.value;
}

template <bool (*kCounts)(const NaiveNumber&, const NaiveNumber&)>
Number CountPairs(const NaiveWindow& window) {
  double count = 0;
  for (size_t i = 1; i < window.all.size(); ++i) {
    count += kCounts(window.all[i - 1].number, window.all[i].number) ? 1 : 0;
  }
  return Float(count);
}

std::optional<NaiveHistogram> Difference(const Histograms& histograms, bool counter) {
  std::vector<NaiveHistogram> h;
  for (const NaiveHistogramPtr& histogram : histograms) h.push_back(*histogram);
  if (counter && IsReset(h[0], h[1])) {
    // What was before the reset is gone, and does not matter.
    h[0] = {.schema = h[1].schema, .bounds = h[1].bounds};
  }
  std::optional<NaiveHistogram> difference = Combined(h.back(), -1, h.front());
  for (size_t i = 1; i < h.size() && counter && difference; ++i) {
    if (h[i].custom() != h[0].custom()) return std::nullopt;
    if (IsReset(h[i - 1], h[i])) difference = Combined(*difference, 1, h[i - 1]);
  }
  return difference;
}

Number Extrapolated(const NaiveWindow& window, bool counter, double seconds = 1) {
  const std::optional<Histograms> histograms = OnlyHistograms(window);
  if (!histograms || histograms->size() < 2) return std::nullopt;
  const std::optional<NaiveHistogram> difference = Difference(*histograms, counter);
  if (!difference) return std::nullopt;
  const double factor = NaiveExtrapolation(
      window, {window.all.front().t_ms, window.all.back().t_ms, histograms->size(), counter,
               histograms->front()->count, difference->count});
  return OfHistogram(Scaled(*difference, factor / seconds));
}
Number Increase(const NaiveWindow& window) { return Extrapolated(window, true); }
Number Delta(const NaiveWindow& window) { return Extrapolated(window, false); }
Number Rate(const NaiveWindow& window) {
  return Extrapolated(window, true, Seconds(window.end_ms - window.start_ms));
}

// The last two; as floats they are the business of the function for floats.
Number BetweenLast(const NaiveWindow& window, bool rate) {
  if (window.all.size() < 2) return std::nullopt;
  const NaiveWindow::At& before = window.all[window.all.size() - 2];
  const NaiveWindow::At& last = window.all.back();
  if (before.number.histogram == nullptr || last.number.histogram == nullptr) return std::nullopt;
  std::optional<NaiveHistogram> difference = *last.number.histogram;
  if (!rate || !IsReset(*before.number.histogram, *difference)) {
    difference = Combined(*difference, -1, *before.number.histogram);
  }
  if (!difference) return std::nullopt;
  return OfHistogram(rate ? Divided(*difference, Seconds(last.t_ms - before.t_ms)) : *difference);
}
Number Irate(const NaiveWindow& window) { return BetweenLast(window, true); }
Number Idelta(const NaiveWindow& window) { return BetweenLast(window, false); }

}  // namespace

NaiveHistogramFunction FindNaiveHistogramFunction(std::string_view name) {
  static const std::map<std::string_view, NaiveHistogramFunction> kFunctions = {
      {"rate", Rate},
      {"increase", Increase},
      {"delta", Delta},
      {"irate", Irate},
      {"idelta", Idelta},
      {"sum_over_time", Sum},
      {"avg_over_time", Average},
      {"count_over_time", Count},
      {"present_over_time", Present},
      {"first_over_time", First},
      {"last_over_time", Last},
      {"ts_of_first_over_time", TimeOfFirst},
      {"ts_of_last_over_time", TimeOfLast},
      {"changes", CountPairs<Changed>},
      {"resets", CountPairs<Fell>},
  };
  const auto found = kFunctions.find(name);
  return found == kFunctions.end() ? nullptr : found->second;
}

}  // namespace tocsin::testing_support
