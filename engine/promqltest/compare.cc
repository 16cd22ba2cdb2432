#include "engine/promqltest/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/go_float.h"
#include "base/regex.h"
#include "engine/model/histogram.h"

namespace tocsin::promqltest {
namespace {

using promql::MatrixElement;
using promql::MatrixValue;
using promql::Point;
using promql::QueryValue;
using promql::ScalarValue;
using promql::StringValue;
using promql::VectorElement;
using promql::VectorValue;

bool AllAlmostEqual(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, AlmostEqual);
}

bool SameHistogram(FloatHistogram got, FloatHistogram expected, bool with_hint) {
  got.Compact();
  expected.Compact();
  if (with_hint && got.reset_hint != expected.reset_hint) return false;
  return got.schema == expected.schema && got.positive_spans == expected.positive_spans &&
         got.negative_spans == expected.negative_spans &&
         got.custom_bounds == expected.custom_bounds &&
         got.zero_threshold == expected.zero_threshold && AlmostEqual(got.count, expected.count) &&
         AlmostEqual(got.sum, expected.sum) && AlmostEqual(got.zero_count, expected.zero_count) &&
         AllAlmostEqual(got.positive_buckets, expected.positive_buckets) &&
         AllAlmostEqual(got.negative_buckets, expected.negative_buckets);
}

bool Same(const Point& got, const NotedValue& expected) {
  if (expected.kind == NotedValue::Kind::kHistogram) {
    return got.histogram != nullptr &&
           SameHistogram(*got.histogram, *expected.histogram, expected.names_hint);
  }
  return got.histogram == nullptr && AlmostEqual(got.value, expected.value);
}

std::string Text(const Point& point) {
  return point.histogram != nullptr ? point.histogram->TestExpression() : FormatGoV(point.value);
}

std::string Text(const NotedValue& value) {
  if (value.kind == NotedValue::Kind::kNone) return "nothing";
  return value.histogram != nullptr ? value.histogram->TestExpression() : FormatGoV(value.value);
}

std::string Text(const QueryValue& value) {
  std::string text;
  if (const auto* scalar = std::get_if<ScalarValue>(&value)) {
    text = "scalar " + FormatGoV(scalar->value);
  } else if (const auto* string = std::get_if<StringValue>(&value)) {
    text = "string \"" + string->text + "\"";
  } else if (const auto* vector = std::get_if<VectorValue>(&value)) {
    for (const VectorElement& element : *vector) {
      text += element.labels.ToString() + " " + Text(element.point) + "; ";
    }
  } else if (const auto* matrix = std::get_if<MatrixValue>(&value)) {
    for (const MatrixElement& element : *matrix) {
      text += element.labels.ToString();
      for (const Point& point : element.points) {
        text += " " + Text(point) + "@" + std::to_string(point.t_ms);
      }
      text += "; ";
    }
  }
  return text.empty() ? "nothing" : text;
}

struct Found {
  LabelSet labels;
  Point point;
};

Difference CompareVector(const std::vector<Found>& got, const EvalCommand& eval, bool ordered) {
  const auto name = [](const LabelSet& labels) { return labels.ToString(); };
  for (size_t i = 0; ordered && i < std::min(got.size(), eval.series.size()); ++i) {
    if (!(got[i].labels == eval.series[i].labels)) {
      return "expected " + name(eval.series[i].labels) + " at position " + std::to_string(i + 1) +
             ", got " + name(got[i].labels);
    }
  }
  std::map<LabelSet, const NotedValue*> wanted;
  for (const NotedSeries& series : eval.series) {
    if (!series.values.empty()) wanted[series.labels] = &series.values.front();
  }
  for (const Found& found : got) {
    const auto expected = wanted.find(found.labels);
    if (expected == wanted.end()) {
      return "unexpected " + name(found.labels) + " " + Text(found.point);
    }
    if (!Same(found.point, *expected->second)) {
      return "expected " + Text(*expected->second) + " for " + name(found.labels) + ", got " +
             Text(found.point);
    }
    wanted.erase(expected);
  }
  if (!wanted.empty()) {
    return "expected " + name(wanted.begin()->first) + " " + Text(*wanted.begin()->second) +
           ", got nothing";
  }
  return std::nullopt;
}

Difference CompareMatrix(const MatrixValue& matrix, const EvalCommand& eval,
                         const EvalCommand::Times& times) {
  std::map<LabelSet, const std::vector<NotedValue>*> wanted;
  for (const NotedSeries& series : eval.series) wanted[series.labels] = &series.values;
  for (const MatrixElement& element : matrix) {
    const std::string name = element.labels.ToString();
    const auto expected = wanted.find(element.labels);
    if (expected == wanted.end()) return "unexpected series " + name;
    const std::vector<NotedValue>& values = *expected->second;
    std::map<int64_t, Point> points;
    for (const Point& point : element.points) points[point.t_ms] = point;
    for (size_t i = 0; i < values.size(); ++i) {
      const int64_t t_ms = times.start_ms + static_cast<int64_t>(i) * times.step_ms;
      const auto point = points.find(t_ms);
      const bool none = values[i].kind == NotedValue::Kind::kNone;
      if (none != (point == points.end()) || (!none && !Same(point->second, values[i]))) {
        return "expected " + Text(values[i]) + " for " + name + " at " + std::to_string(t_ms) +
               " ms, got " + (point == points.end() ? "nothing" : Text(point->second));
      }
      if (!none) points.erase(point);
    }
    if (!points.empty()) {
      return "unexpected point of " + name + " at " + std::to_string(points.begin()->first) +
             " ms: " + Text(points.begin()->second);
    }
    wanted.erase(expected);
  }
  for (const auto& [labels, values] : wanted) {
    const bool any = std::ranges::any_of(
        *values, [](const NotedValue& v) { return v.kind != NotedValue::Kind::kNone; });
    if (any) return "expected series " + labels.ToString() + ", got nothing";
  }
  return std::nullopt;
}

// "… (1:7)" without the place.
std::string WithoutPosition(const std::string& text) {
  const size_t open = text.rfind(" (");
  if (open == std::string::npos || !text.ends_with(')')) return text;
  const std::string_view place = std::string_view(text).substr(open + 2);
  return place.find_first_not_of("0123456789:)") == std::string_view::npos ? text.substr(0, open)
                                                                           : text;
}

bool Fits(const Expectation& expectation, const std::string& text) {
  switch (expectation.match) {
    case Expectation::Match::kAny:
      return true;
    case Expectation::Match::kText:
      return text == expectation.text;
    case Expectation::Match::kRegex:
      return Regex::Compile(expectation.text)->Matches(text);
  }
  return false;
}

Difference CompareOne(const std::vector<std::string>& got, const EvalCommand& eval,
                      Expectation::Kind kind, bool none, const std::string& name) {
  if (none && !got.empty()) return "unexpected " + name + ": " + got.front();
  if (!eval.Expects(kind)) return std::nullopt;
  const auto fits_any = [&](const Expectation& expectation) {
    return expectation.kind != kind ||
           std::ranges::any_of(got, [&](const auto& text) { return Fits(expectation, text); });
  };
  for (const Expectation& expectation : eval.expectations) {
    if (!fits_any(expectation)) {
      return "expected " + name + " \"" + expectation.text + "\", got " +
             (got.empty() ? "none" : "\"" + got.front() + "\"");
    }
  }
  for (const std::string& text : got) {
    if (std::ranges::none_of(eval.expectations, [&](const Expectation& expectation) {
          return expectation.kind == kind && Fits(expectation, text);
        })) {
      return "unexpected " + name + ": " + text;
    }
  }
  return std::nullopt;
}

}  // namespace

bool AlmostEqual(double a, double b) {
  constexpr double kEpsilon = 1e-6;
  constexpr double kSmallest = std::numeric_limits<double>::min();
  if (IsStaleNan(a) || IsStaleNan(b)) return IsStaleNan(a) && IsStaleNan(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double difference = std::fabs(a - b);
  const double sum = std::fabs(a) + std::fabs(b);
  if (a == 0 || b == 0 || sum < kSmallest) return difference < kEpsilon * kSmallest;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kEpsilon;
}

Difference CompareInstant(const QueryValue& value, const EvalCommand& eval) {
  if (eval.string) {
    const auto* string = std::get_if<StringValue>(&value);
    if (string != nullptr && string->text == *eval.string) return std::nullopt;
    return "expected string \"" + *eval.string + "\", got " + Text(value);
  }
  if (eval.range_vector) {
    const auto* matrix = std::get_if<MatrixValue>(&value);
    if (matrix == nullptr) return "expected a range vector, got " + Text(value);
    return CompareMatrix(*matrix, eval, *eval.range_vector);
  }
  if (const auto* scalar = std::get_if<ScalarValue>(&value)) {
    if (eval.scalar && AlmostEqual(scalar->value, *eval.scalar)) return std::nullopt;
    return "expected " + (eval.scalar ? FormatGoV(*eval.scalar) : std::string("no scalar")) +
           ", got " + Text(value);
  }
  const auto* vector = std::get_if<VectorValue>(&value);
  if (vector == nullptr || eval.scalar) return "unexpected type of result: " + Text(value);
  std::vector<Found> got;
  for (const VectorElement& element : *vector) got.push_back({element.labels, element.point});
  return CompareVector(got, eval, eval.ordered);
}

Difference CompareRange(const QueryValue& value, const EvalCommand& eval) {
  const auto* matrix = std::get_if<MatrixValue>(&value);
  if (matrix == nullptr) return "expected a matrix, got " + Text(value);
  if (!std::ranges::is_sorted(*matrix, {}, &MatrixElement::labels)) return "series are not sorted";
  return CompareMatrix(*matrix, eval, {eval.start_ms, eval.end_ms, eval.step_ms});
}

Difference ComparePoint(const QueryValue& value, const EvalCommand& eval, int64_t t_ms) {
  const auto* matrix = std::get_if<MatrixValue>(&value);
  if (matrix == nullptr) return "expected a matrix, got " + Text(value);
  std::vector<Found> got;
  for (const MatrixElement& element : *matrix) {
    for (const Point& point : element.points) {
      if (point.t_ms == t_ms) got.push_back({element.labels, point});
    }
  }
  if (!eval.scalar) return CompareVector(got, eval, false);
  if (got.size() == 1 && AlmostEqual(got[0].point.value, *eval.scalar)) return std::nullopt;
  return "expected " + FormatGoV(*eval.scalar) + ", got " + Text(value);
}

Difference CompareAnnotations(const promql::QueryResult& result, const EvalCommand& eval,
                              Positions positions) {
  if (positions == Positions::kIgnored) {
    EvalCommand elsewhere{.no_warn = eval.no_warn, .no_info = eval.no_info};
    for (Expectation expectation : eval.expectations) {
      // A pattern may name places in ways that cannot be taken out of it.
      if (expectation.match == Expectation::Match::kRegex) return std::nullopt;
      expectation.text = WithoutPosition(expectation.text);
      elsewhere.expectations.push_back(std::move(expectation));
    }
    promql::QueryResult placeless;
    std::ranges::transform(result.warnings, std::back_inserter(placeless.warnings),
                           WithoutPosition);
    std::ranges::transform(result.infos, std::back_inserter(placeless.infos), WithoutPosition);
    return CompareAnnotations(placeless, elsewhere, Positions::kCompared);
  }
  if (Difference difference =
          CompareOne(result.warnings, eval, Expectation::Kind::kWarn, eval.no_warn, "warning")) {
    return difference;
  }
  return CompareOne(result.infos, eval, Expectation::Kind::kInfo, eval.no_info, "info");
}

Difference CompareError(const Error& error, const EvalCommand& eval) {
  if (!eval.Expects(Expectation::Kind::kFail)) return "unexpected error: " + error.message;
  for (const Expectation& expectation : eval.expectations) {
    if (expectation.kind == Expectation::Kind::kFail && !Fits(expectation, error.message)) {
      return "expected the error \"" + expectation.text + "\", got \"" + error.message + "\"";
    }
  }
  return std::nullopt;
}

}  // namespace tocsin::promqltest
