// The engine against the naive evaluator: random expressions over random data.
//
// TOCSIN_RANDOM_EXPRESSIONS says how many (20,000), TOCSIN_RANDOM_SEED with which seed to begin,
// TOCSIN_RANDOM_DIFFERENCES after how many differences to end (1).
//
// Some expressions magnify what is lost in the last digit of a double until it decides: the tangent
// of 1e10, a comparison of two sums that are equal but for their order. Which ones is not guessed:
// where both evaluators differ, the naive one computes again with every operation rounded up, down
// and to zero. When those three do not agree with each other either, the value is nothing that
// doubles can tell; the expression is set aside, does not count, and few may be.

#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/go_float.h"
#include "engine/promql/engine.h"
#include "engine/promql/parser.h"
#include "engine/storage/head.h"
#include "tests/support/fake_clock.h"
#include "tests/support/naive_notes.h"
#include "tests/support/naive_promql.h"
#include "tests/support/random_promql.h"

namespace tocsin::promql {
namespace {

using testing_support::EvaluateNaively;
using testing_support::NaiveElement;
using testing_support::NaiveHistogram;
using testing_support::NaiveNoteOf;
using testing_support::NaiveNotes;
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

// The text of a histogram, which count_values makes a label of, with fewer digits: bounds of
// exponential buckets are roots of 2, and sums are taken in another order.
std::string Coarse(const std::string& text) {
  constexpr std::string_view kOfNumbers = "0123456789+-.eInfNa";
  if (!text.starts_with("{count:")) return text;
  std::string coarse;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    // Behind what can stand in front of a number.
    const bool begins = i > 0 && std::string_view(":[(,").find(text[i - 1]) != std::string::npos;
    while (begins && end < text.size() && kOfNumbers.find(text[end]) != std::string::npos) ++end;
    const std::optional<double> number = ParseGoFloat(text.substr(i, end - i));
    coarse += number ? FormatPrecision(*number, 9) : text.substr(i, 1);
    i = number ? end : i + 1;
  }
  return coarse;
}

LabelSet Coarse(const LabelSet& labels) {
  LabelSet coarse;
  for (const auto& [name, value] : labels) coarse.Set(name, Coarse(value));
  return coarse;
}

// The value at one time, scalars without labels.
using Elements = std::map<LabelSet, NaiveNumber>;

Elements Of(const NaiveValue& value) {
  if (value.is_scalar) return {{{}, {value.scalar, nullptr}}};
  Elements elements;
  for (const NaiveElement& element : value.vector)
    elements[Coarse(element.labels)] = element.number;
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

  struct Outcome {
    std::string difference;  // "" when both agree
    bool set_aside = false;  // rounding decides
  };

  Outcome CompareOne() {
    const std::string text = testing_support::RandomExpression(random_, world_);
    const auto query = engine_.Parse(text);
    if (!query.ok()) return {text + "\n" + query.error().message};
    NaiveQuery times;
    times.start_ms = testing_support::RandomTime(random_, world_);
    const size_t steps = random_() % 3 == 0 ? 1 : random_() % 8 + 2;
    constexpr int64_t kSteps[] = {1, 15'000, 20'000, 37'000, 60'000, 300'000};
    times.step_ms = kSteps[random_() % std::size(kSteps)];
    times.end_ms = times.start_ms + static_cast<int64_t>(steps - 1) * times.step_ms;
    const bool instant = steps == 1 && random_() % 2 == 0;
    Outcome outcome = CompareTimes(**query, times, instant);
    if (!outcome.difference.empty()) {
      outcome.difference = text + "\nfrom " + std::to_string(times.start_ms) + " to " +
                           std::to_string(times.end_ms) + " step " + std::to_string(times.step_ms) +
                           (instant ? " (instant)" : "") + "\n" + outcome.difference;
    }
    return outcome;
  }

 private:
  Outcome CompareTimes(const ParsedQuery& query, const NaiveQuery& times, bool instant) {
    const auto result =
        instant ? engine_.Instant(query, head_, times.start_ms)
                : engine_.Range(query, head_, times.start_ms, times.end_ms, times.step_ms);
    std::map<int64_t, Elements> got;
    if (result.ok()) got = ByTime(result->value, times.start_ms);
    NaiveNotes notes;
    std::string failure;  // of the naive evaluator, at one of the times
    for (int64_t t = times.start_ms; t <= times.end_ms && failure.empty(); t += times.step_ms) {
      const Result<NaiveValue> expected = EvaluateNaively(query.root(), data_, times, t, notes);
      if (!expected.ok() && expected.error().code == ErrorCode::kInternal) {
        return {expected.error().message};
      }
      if (!expected.ok()) {
        failure = expected.error().message;
      } else if (result.ok() && !Same(got[t], Of(*expected))) {
        if (RoundingDecides(query, times, t)) return {"", true};
        return {"at " + std::to_string(t) + " expected\n" + Text(Of(*expected)) + "got\n" +
                Text(got[t])};
      }
    }
    if (failure.empty() != result.ok()) {
      for (int64_t t = times.start_ms; t <= times.end_ms; t += times.step_ms) {
        if (RoundingDecides(query, times, t)) return {"", true};
      }
      return {result.ok() ? "expected an error: " + failure
                          : "unexpected error: " + result.error().message};
    }
    return result.ok() ? CompareNotes(query, *result, times, notes) : Outcome{};
  }

  // Warnings and infos, by what the naive evaluator knows of them. Like Prometheus the engine
  // computes a subquery at all its steps between the first and the last window, so that it may have
  // something to say about steps that no window holds.
  Outcome CompareNotes(const ParsedQuery& query, const QueryResult& result, const NaiveQuery& times,
                       const NaiveNotes& notes) const {
    std::set<std::string> got;
    for (const std::vector<std::string>* texts : {&result.warnings, &result.infos}) {
      for (const std::string& text : *texts) got.insert(NaiveNoteOf(text));
    }
    got.erase("");
    const bool may_say_more =
        times.start_ms != times.end_ms && query.text().find(':') != std::string_view::npos;
    const std::set<std::string> expected = notes.Texts();
    std::string difference;
    for (const std::string& text : expected) {
      if (!got.contains(text)) difference += "missing: " + text + "\n";
    }
    for (const std::string& text : got) {
      if (!may_say_more && !expected.contains(text)) difference += "unexpected: " + text + "\n";
    }
    if (difference.empty()) return {};
    for (int64_t t = times.start_ms; t <= times.end_ms; t += times.step_ms) {
      if (RoundingDecides(query, times, t)) return {"", true};
    }
    return {difference};
  }

  // Whether the naive evaluator contradicts itself when it rounds in other directions.
  bool RoundingDecides(const ParsedQuery& query, const NaiveQuery& times, int64_t t) const {
    std::vector<Result<NaiveValue>> values;
    std::vector<std::set<std::string>> seen;
    for (const int direction : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      std::fesetround(direction);
      NaiveNotes notes;
      values.push_back(EvaluateNaively(query.root(), data_, times, t, notes));
      seen.push_back(notes.Texts());
    }
    std::fesetround(FE_TONEAREST);
    if (std::ranges::any_of(seen, [&](const auto& notes) { return notes != seen[0]; })) return true;
    return std::ranges::any_of(values, [&](const Result<NaiveValue>& value) {
      if (value.ok() != values[0].ok()) return true;
      return value.ok() && !Same(Of(*value), Of(*values[0]));
    });
  }

  static std::map<int64_t, Elements> ByTime(const QueryValue& value, int64_t t_ms) {
    std::map<int64_t, Elements> by_time;
    if (const auto* scalar = std::get_if<ScalarValue>(&value)) {
      by_time[t_ms][{}] = {scalar->value, nullptr};
    } else if (const auto* vector = std::get_if<VectorValue>(&value)) {
      for (const VectorElement& element : *vector) {
        by_time[t_ms][Coarse(element.labels)] = NumberOf(element.point);
      }
    } else if (const auto* matrix = std::get_if<MatrixValue>(&value)) {
      for (const MatrixElement& element : *matrix) {
        const LabelSet labels = Coarse(element.labels);
        for (const Point& point : element.points) {
          by_time[point.t_ms][labels] = NumberOf(point);
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
  Engine engine_{EngineOptions{.parser = {.experimental_functions = true,
                                          .extended_range_selectors = true,
                                          .binop_fill_modifiers = true}},
                 clock_, nullptr};
};

TEST(NaiveComparisonTest, RandomExpressionsGiveTheSame) {
  const size_t count = FromEnvironment("TOCSIN_RANDOM_EXPRESSIONS", 20'000);
  const size_t first_seed = FromEnvironment("TOCSIN_RANDOM_SEED", 1);
  const size_t most_differences = FromEnvironment("TOCSIN_RANDOM_DIFFERENCES", 1);
  constexpr size_t kExpressionsOnOneSet = 200;
  size_t compared = 0;
  size_t set_aside = 0;
  size_t differences = 0;
  for (size_t seed = first_seed; compared < count; ++seed) {
    Comparison comparison(seed);
    for (size_t i = 0; i < kExpressionsOnOneSet && compared < count; ++i) {
      const Comparison::Outcome outcome = comparison.CompareOne();
      ++(outcome.set_aside ? set_aside : compared);
      EXPECT_EQ(outcome.difference, "") << "seed " << seed << ", expression " << i;
      differences += outcome.difference.empty() ? 0 : 1;
      if (differences == most_differences) return;
    }
  }
  std::printf("%zu expressions gave the same, %zu were set aside because rounding decides\n",
              compared - differences, set_aside);
  EXPECT_LE(set_aside, 5 + count / 1000) << "the generator magnifies rounding too often";
}

}  // namespace
}  // namespace tocsin::promql
