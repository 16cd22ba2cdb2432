// The engine against the naive evaluator: random expressions over random data.
//
// TOCSIN_RANDOM_EXPRESSIONS says how many (20,000), TOCSIN_RANDOM_SEED with which seed to begin.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/go_float.h"
#include "engine/promql/engine.h"
#include "engine/promql/parser.h"
#include "engine/storage/head.h"
#include "tests/support/fake_clock.h"
#include "tests/support/naive_promql.h"
#include "tests/support/random_promql.h"

namespace tocsin::promql {
namespace {

using testing_support::EvaluateNaively;
using testing_support::NaiveElement;
using testing_support::NaiveHistogram;
using testing_support::NaiveNumber;
using testing_support::NaiveQuery;
using testing_support::NaiveSeries;
using testing_support::NaiveValue;
using testing_support::RandomSource;

size_t FromEnvironment(const char* name, size_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Sums are taken in another order, so the last digits may differ.
bool Close(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::fabs(a - b) <= 1e-9 * (1 + std::fabs(a) + std::fabs(b));
}

// The value at one time, scalars without labels.
using Elements = std::map<LabelSet, NaiveNumber>;

Elements Of(const NaiveValue& value) {
  if (value.is_scalar) return {{{}, {value.scalar, nullptr}}};
  Elements elements;
  for (const NaiveElement& element : value.vector) elements[element.labels] = element.number;
  return elements;
}

std::string Text(const NaiveNumber& number) {
  if (number.histogram == nullptr) return FormatGoV(number.value);
  const NaiveHistogram& h = *number.histogram;
  std::string text = "schema " + std::to_string(h.schema) + " count " + FormatGoV(h.count) +
                     " sum " + FormatGoV(h.sum) + " zero " + FormatGoV(h.zero_count) + " up to " +
                     FormatGoV(h.zero_threshold);
  for (const double bound : h.bounds) text += " bound " + FormatGoV(bound);
  for (const auto& [i, count] : h.negative)
    text += " -" + std::to_string(i) + ":" + FormatGoV(count);
  for (const auto& [i, count] : h.positive)
    text += " " + std::to_string(i) + ":" + FormatGoV(count);
  return text;
}

std::string Text(const Elements& elements) {
  std::string text;
  for (const auto& [labels, value] : elements) {
    text += "  " + labels.ToString() + " " + Text(value) + "\n";
  }
  return text;
}

// What adds up to nothing may be left over, or not.
bool Close(const std::map<int, double>& a, const std::map<int, double>& b, double count) {
  // Empty buckets become NaN too, where they are still there.
  if (!std::isfinite(count)) return true;
  std::map<int, std::pair<double, double>> both;
  for (const auto& [i, value] : a) both[i].first = value;
  for (const auto& [i, value] : b) both[i].second = value;
  return std::ranges::all_of(both, [count](const auto& entry) {
    const auto& [x, y] = entry.second;
    return Close(x, y) || std::fabs(x - y) <= 1e-9 * std::fabs(count);
  });
}

bool Close(const NaiveHistogram& a, const NaiveHistogram& b) {
  return a.schema == b.schema && a.bounds == b.bounds && a.zero_threshold == b.zero_threshold &&
         Close(a.count, b.count) && Close(a.sum, b.sum) && Close(a.zero_count, b.zero_count) &&
         Close(a.positive, b.positive, a.count) && Close(a.negative, b.negative, a.count);
}

bool Close(const NaiveNumber& a, const NaiveNumber& b) {
  if (a.histogram == nullptr || b.histogram == nullptr) {
    return a.histogram == b.histogram && Close(a.value, b.value);
  }
  return Close(*a.histogram, *b.histogram);
}

NaiveNumber NumberOf(const Point& point) {
  if (point.histogram == nullptr) return {point.value, nullptr};
  return testing_support::OfHistogram(testing_support::Naively(*point.histogram));
}

bool Same(const Elements& a, const Elements& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](auto& x, auto& y) {
           return x.first == y.first && Close(x.second, y.second);
         });
}

class Comparison {
 public:
  explicit Comparison(uint64_t seed) : random_(seed) {
    data_ = testing_support::RandomSeries(random_, world_);
    Appender appender(head_);
    for (const NaiveSeries& series : data_) {
      const SeriesRef ref = appender.Register(series.labels);
      std::vector<PendingSample> samples;
      for (const Sample& sample : series.samples) {
        samples.push_back({.ref = ref, .t_ms = sample.t_ms, .value = sample.value});
      }
      for (const NaiveSeries::HistogramAt& at : series.histograms) {
        samples.push_back({.ref = ref, .t_ms = at.t_ms, .histogram = at.histogram});
      }
      std::ranges::sort(samples, {}, &PendingSample::t_ms);
      for (PendingSample& sample : samples) appender.Append(std::move(sample));
    }
    EXPECT_TRUE(appender.Commit().ok());
  }

  // "" when both agree.
  std::string CompareOne() {
    const std::string text = testing_support::RandomExpression(random_, world_);
    const auto query = engine_.Parse(text);
    if (!query.ok()) return text + "\n" + query.error().message;
    NaiveQuery times;
    times.start_ms = testing_support::RandomTime(random_, world_);
    const size_t steps = random_() % 3 == 0 ? 1 : random_() % 8 + 2;
    constexpr int64_t kSteps[] = {1, 15'000, 20'000, 37'000, 60'000, 300'000};
    times.step_ms = kSteps[random_() % std::size(kSteps)];
    times.end_ms = times.start_ms + static_cast<int64_t>(steps - 1) * times.step_ms;
    const bool instant = steps == 1 && random_() % 2 == 0;
    const std::string difference = CompareTimes(**query, times, instant);
    if (difference.empty()) return "";
    return text + "\nfrom " + std::to_string(times.start_ms) + " to " +
           std::to_string(times.end_ms) + " step " + std::to_string(times.step_ms) +
           (instant ? " (instant)" : "") + "\n" + difference;
  }

 private:
  std::string CompareTimes(const ParsedQuery& query, const NaiveQuery& times, bool instant) {
    const auto result =
        instant ? engine_.Instant(query, head_, times.start_ms)
                : engine_.Range(query, head_, times.start_ms, times.end_ms, times.step_ms);
    std::map<int64_t, Elements> got;
    if (result.ok()) got = ByTime(result->value, times.start_ms);
    for (int64_t t = times.start_ms; t <= times.end_ms; t += times.step_ms) {
      const Result<NaiveValue> expected = EvaluateNaively(query.root(), data_, times, t);
      if (!expected.ok() && expected.error().code == ErrorCode::kInternal) {
        return expected.error().message;
      }
      if (!expected.ok()) {
        return result.ok() ? "expected an error: " + expected.error().message : "";
      }
      if (result.ok() && !Same(got[t], Of(*expected))) {
        return "at " + std::to_string(t) + " expected\n" + Text(Of(*expected)) + "got\n" +
               Text(got[t]);
      }
    }
    return result.ok() ? "" : "unexpected error: " + result.error().message;
  }

  static std::map<int64_t, Elements> ByTime(const QueryValue& value, int64_t t_ms) {
    std::map<int64_t, Elements> by_time;
    if (const auto* scalar = std::get_if<ScalarValue>(&value)) {
      by_time[t_ms][{}] = {scalar->value, nullptr};
    } else if (const auto* vector = std::get_if<VectorValue>(&value)) {
      for (const VectorElement& element : *vector) {
        by_time[t_ms][element.labels] = NumberOf(element.point);
      }
    } else if (const auto* matrix = std::get_if<MatrixValue>(&value)) {
      for (const MatrixElement& element : *matrix) {
        for (const Point& point : element.points) {
          by_time[point.t_ms][element.labels] = NumberOf(point);
        }
      }
    }
    return by_time;
  }

  const testing_support::RandomWorld world_;
  RandomSource random_;
  std::vector<NaiveSeries> data_;
  testing_support::FakeClock clock_;
  Head head_{{.retention = Duration(0), .max_future = Duration(0)}, clock_};
  Engine engine_{EngineOptions{.parser = {.experimental_functions = true}}, clock_, nullptr};
};

TEST(NaiveComparisonTest, RandomExpressionsGiveTheSame) {
  const size_t count = FromEnvironment("TOCSIN_RANDOM_EXPRESSIONS", 20'000);
  const size_t first_seed = FromEnvironment("TOCSIN_RANDOM_SEED", 1);
  constexpr size_t kExpressionsOnOneSet = 200;
  size_t done = 0;
  for (size_t seed = first_seed; done < count; ++seed) {
    Comparison comparison(seed);
    for (size_t i = 0; i < kExpressionsOnOneSet && done < count; ++i, ++done) {
      const std::string difference = comparison.CompareOne();
      ASSERT_EQ(difference, "") << "seed " << seed << ", expression " << i;
    }
  }
}

}  // namespace
}  // namespace tocsin::promql
