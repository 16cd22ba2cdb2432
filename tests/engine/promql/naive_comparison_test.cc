// The engine against the naive evaluator: random expressions over random data.
//
// TOCSIN_RANDOM_EXPRESSIONS says how many (20,000), TOCSIN_RANDOM_SEED with which seed to begin.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
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
using testing_support::kRandomDataLengthMs;
using testing_support::kRandomDataStartMs;
using testing_support::NaiveElement;
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
using Elements = std::map<LabelSet, double>;

Elements Of(const NaiveValue& value) {
  if (value.is_scalar) return {{{}, value.scalar}};
  Elements elements;
  for (const NaiveElement& element : value.vector) elements[element.labels] = element.value;
  return elements;
}

std::string Text(const Elements& elements) {
  std::string text;
  for (const auto& [labels, value] : elements) {
    text += "  " + labels.ToString() + " " + FormatGoV(value) + "\n";
  }
  return text;
}

bool Same(const Elements& a, const Elements& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](auto& x, auto& y) {
           return x.first == y.first && Close(x.second, y.second);
         });
}

class Comparison {
 public:
  explicit Comparison(uint64_t seed) : random_(seed) {
    data_ = testing_support::RandomSeries(random_);
    Appender appender(head_);
    for (const NaiveSeries& series : data_) {
      for (const Sample& sample : series.samples) {
        appender.Append(series.labels, sample.t_ms, sample.value);
      }
    }
    EXPECT_TRUE(appender.Commit().ok());
  }

  // "" when both agree.
  std::string CompareOne() {
    const std::string text = testing_support::RandomExpression(random_);
    const auto query = engine_.Parse(text);
    if (!query.ok()) return text + "\n" + query.error().message;
    NaiveQuery times;
    times.start_ms = kRandomDataStartMs + static_cast<int64_t>(random_() % kRandomDataLengthMs);
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
      by_time[t_ms][{}] = scalar->value;
    } else if (const auto* vector = std::get_if<VectorValue>(&value)) {
      for (const VectorElement& element : *vector) {
        by_time[t_ms][element.labels] = element.point.value;
      }
    } else if (const auto* matrix = std::get_if<MatrixValue>(&value)) {
      for (const MatrixElement& element : *matrix) {
        for (const Point& point : element.points) {
          by_time[point.t_ms][element.labels] = point.value;
        }
      }
    }
    return by_time;
  }

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
