#include "engine/promqltest/series_notation.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>

#include "base/go_float.h"
#include "base/time.h"
#include "engine/model/histogram.h"
#include "engine/promql/parser.h"
#include "engine/promql/quote.h"

namespace tocsin::promqltest {
namespace {

constexpr size_t kMaxValues = 1'000'000;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

void SkipBlanks(std::string_view& text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
}

// Up to a blank; a histogram literal is one item whatever it holds.
std::string_view TakeItem(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && !IsBlank(text[end])) {
    if (text.substr(end).starts_with("{{")) {
      const size_t close = text.find("}}", end);
      if (close == std::string_view::npos) {
        end = text.size();
        break;
      }
      end = close + 2;
    } else {
      ++end;
    }
  }
  const std::string_view item = text.substr(0, end);
  text.remove_prefix(end);
  SkipBlanks(text);
  return item;
}

NotedValue Float(double value) { return {.kind = NotedValue::Kind::kFloat, .value = value}; }

// Reads the parts of one line; what it reads are views of that line, so errors have a column.
class NotationReader {
 public:
  explicit NotationReader(std::string_view line) : line_(line) {}

  // `text` is the end of the line.
  Result<std::vector<NotedValue>> ReadValues(std::string_view text) const {
    std::vector<NotedValue> values;
    SkipBlanks(text);
    while (!text.empty()) {
      const std::string_view item = TakeItem(text);
      if (item.starts_with('_')) {
        ASSIGN_OR_RETURN(const size_t count, ReadGap(item));
        values.insert(values.end(), count, NotedValue());
      } else if (item == "stale") {
        values.push_back(Float(StaleNan()));
      } else if (item.starts_with("{{")) {
        RETURN_IF_ERROR(ReadHistograms(item, values));
      } else {
        RETURN_IF_ERROR(ReadFloats(item, values));
      }
      if (values.size() > kMaxValues) return Bad(item, "too many values");
    }
    return values;
  }

  Result<std::vector<std::optional<int64_t>>> ReadOffsets(std::string_view text) const {
    std::vector<std::optional<int64_t>> offsets;
    SkipBlanks(text);
    while (!text.empty()) {
      const std::string_view item = TakeItem(text);
      if (item.starts_with('_')) {
        ASSIGN_OR_RETURN(const size_t count, ReadGap(item));
        offsets.insert(offsets.end(), count, std::nullopt);
        continue;
      }
      std::string_view rest = item;
      ASSIGN_OR_RETURN(int64_t offset, TakeDuration(rest));
      int64_t step = 0;
      if (!rest.empty() && rest.front() != 'x') {
        ASSIGN_OR_RETURN(step, TakeDuration(rest));
      }
      offsets.emplace_back(offset);
      if (rest.empty()) continue;
      ASSIGN_OR_RETURN(const size_t count, ReadCount(rest.substr(1)));
      for (size_t i = 0; i < count; ++i) offsets.emplace_back(offset += step);
    }
    return offsets;
  }

 private:
  Error Bad(std::string_view where, const std::string& why) const {
    const auto column = where.data() - line_.data() + 1;
    return InvalidArgument("1:" + std::to_string(column) + ": parse error: " + why);
  }
  Error Unexpected(std::string_view where, size_t length) const {
    return Bad(where, "unexpected " + promql::Quote(where.substr(0, length)) + " in series values");
  }

  Result<size_t> ReadCount(std::string_view text) const {
    size_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count > kMaxValues) {
      return Bad(text, "expected a number of repetitions after \"x\"");
    }
    return count;
  }

  Result<double> ReadFloat(std::string_view text) const {
    const std::optional<double> value = ParseGoFloat(text);
    if (!value) return Bad(text, "bad number in series values: " + promql::Quote(text));
    return *value;
  }

  // "_" and "_xN"
  Result<size_t> ReadGap(std::string_view item) const {
    if (item == "_") return size_t{1};
    if (!item.starts_with("_x")) return Bad(item, "expected _ or _xN");
    return ReadCount(item.substr(2));
  }

  // a, axN, a+bxN, a-bxN
  Status ReadFloats(std::string_view item, std::vector<NotedValue>& values) const {
    const size_t x = item.rfind('x');
    if (x == std::string_view::npos) {
      ASSIGN_OR_RETURN(const double value, ReadFloat(item));
      values.push_back(Float(value));
      return Ok();
    }
    ASSIGN_OR_RETURN(const size_t count, ReadCount(item.substr(x + 1)));
    const std::string_view terms = item.substr(0, x);
    // The operator is a sign that neither begins the text nor belongs to an exponent.
    size_t op = 1;
    while (op < terms.size() && !((terms[op] == '+' || terms[op] == '-') && terms[op - 1] != 'e' &&
                                  terms[op - 1] != 'E')) {
      ++op;
    }
    ASSIGN_OR_RETURN(double value, ReadFloat(terms.substr(0, op)));
    double step = 0;
    if (op < terms.size()) {
      ASSIGN_OR_RETURN(step, ReadFloat(terms.substr(op + 1)));
      if (terms[op] == '-') step = -step;
    }
    values.push_back(Float(value));
    for (size_t i = 0; i < count; ++i) {
      if (op < terms.size()) value += step;
      values.push_back(Float(value));
    }
    return Ok();
  }

  // {{A}}, {{A}}xN, {{A}}+{{B}}xN, {{A}}-{{B}}xN
  Status ReadHistograms(std::string_view item, std::vector<NotedValue>& values) const {
    std::string_view rest = item;
    ASSIGN_OR_RETURN(NotedValue value, TakeHistogram(rest));
    values.push_back(value);
    if (rest.empty()) return Ok();
    NotedValue step;
    const bool subtract = rest.starts_with('-');
    if (subtract || rest.starts_with('+')) {
      rest.remove_prefix(1);
      ASSIGN_OR_RETURN(step, TakeHistogram(rest));
    }
    if (!rest.starts_with('x')) return Bad(rest, "expected \"x\" and a number");
    rest.remove_prefix(1);
    ASSIGN_OR_RETURN(const size_t count, ReadCount(rest));
    for (size_t i = 0; i < count; ++i) {
      if (step.histogram != nullptr) {
        ASSIGN_OR_RETURN(value.histogram,
                         Combined(*value.histogram, *step.histogram, subtract, rest));
      }
      values.push_back(value);
    }
    return Ok();
  }

  Result<HistogramPtr> Combined(const FloatHistogram& value, const FloatHistogram& step,
                                bool subtract, std::string_view where) const {
    if (value.schema > step.schema) {
      return Bad(where, "error combining histograms: cannot merge from schema " +
                            std::to_string(step.schema) + " to " + std::to_string(value.schema));
    }
    auto next = std::make_shared<FloatHistogram>(value);
    const HistogramMerge merge = subtract ? next->Sub(step) : next->Add(step);
    if (!merge.compatible) {
      return Bad(where,
                 "error combining histograms: a mix of exponential and custom bucket schemas");
    }
    next->reset_hint = value.reset_hint;
    next->Compact();
    return HistogramPtr(std::move(next));
  }

  // "{{…}}" at the front of `text`, which is cut off.
  Result<NotedValue> TakeHistogram(std::string_view& text) const {
    const size_t close = text.find("}}");
    if (!text.starts_with("{{") || close == std::string_view::npos) {
      return Bad(text, "expected {{…}}");
    }
    const std::string_view body = text.substr(2, close - 2);
    text.remove_prefix(close + 2);
    return ReadHistogram(body);
  }

  // key:value items.
  Result<NotedValue> ReadHistogram(std::string_view body) const {
    FloatHistogram histogram;
    Offsets offsets;
    std::set<std::string_view> seen;
    if (body.find_first_not_of(" \t") == std::string_view::npos) body = {};
    while (!body.empty()) {
      const size_t end = std::min(body.find_first_of(": \t["), body.size());
      const std::string_view key = body.substr(0, end);
      if (IsBlank(body.front())) {
        SkipBlanks(body);
        const size_t length = std::min(body.find_first_of(": \t"), body.size());
        return Bad(body, "unexpected \"word\" " + promql::Quote(body.substr(0, length)) +
                             " in series values");
      }
      if (end == body.size() || body[end] != ':') {
        return Bad(key, "missing `:` for histogram descriptor");
      }
      body.remove_prefix(end + 1);
      if (!seen.insert(key).second) {
        return Bad(line_, "duplicate key " + promql::Quote(key) + " in histogram");
      }
      ASSIGN_OR_RETURN(const std::string_view value, TakeHistogramValue(body));
      RETURN_IF_ERROR(Set(key, value, histogram, offsets));
    }
    Place(histogram.positive_spans, histogram.positive_buckets, offsets.positive);
    Place(histogram.negative_spans, histogram.negative_buckets, offsets.negative);
    return NotedValue{.kind = NotedValue::Kind::kHistogram,
                      .histogram = std::make_shared<const FloatHistogram>(std::move(histogram)),
                      .names_hint = seen.contains("counter_reset_hint")};
  }

  // What stands behind the colon, a list without its brackets; cut off with the blanks behind it.
  Result<std::string_view> TakeHistogramValue(std::string_view& body) const {
    if (body.empty()) return Bad(body, "expected a value in a histogram");
    const bool list = body.starts_with('[');
    if (list) body.remove_prefix(1);
    if (!body.empty() && IsBlank(body.front())) return Unexpected(body, 1);
    const size_t end = list ? body.find(']') : std::min(body.find_first_of(" \t"), body.size());
    if (end == std::string_view::npos) return Bad(body, "\"[\" without \"]\"");
    const std::string_view value = body.substr(0, end);
    body.remove_prefix(list ? end + 1 : end);
    if (!body.empty() && !IsBlank(body.front())) return Unexpected(body, 1);
    SkipBlanks(body);
    return value;
  }

  struct Offsets {
    int32_t positive = 0;
    int32_t negative = 0;
  };

  static void Place(std::vector<HistogramSpan>& spans, const std::vector<double>& buckets,
                    int32_t offset) {
    if (!buckets.empty()) spans.push_back({offset, static_cast<uint32_t>(buckets.size())});
  }

  Status Set(std::string_view key, std::string_view value, FloatHistogram& histogram,
             Offsets& offsets) const {
    if (key == "counter_reset_hint") return SetHint(value, histogram);
    std::vector<double>* list = key == "buckets"         ? &histogram.positive_buckets
                                : key == "n_buckets"     ? &histogram.negative_buckets
                                : key == "custom_values" ? &histogram.custom_bounds
                                                         : nullptr;
    if (list != nullptr) {
      while (!value.empty()) {
        ASSIGN_OR_RETURN(const double number, ReadFloat(TakeItem(value)));
        list->push_back(number);
      }
      return Ok();
    }
    int32_t* integer = key == "schema"     ? &histogram.schema
                       : key == "offset"   ? &offsets.positive
                       : key == "n_offset" ? &offsets.negative
                                           : nullptr;
    if (integer != nullptr) {
      ASSIGN_OR_RETURN(const double number, ReadFloat(value));
      *integer = static_cast<int32_t>(number);
      if (*integer != number) return Bad(value, "expected an integer");
      return Ok();
    }
    double* number = key == "count"        ? &histogram.count
                     : key == "sum"        ? &histogram.sum
                     : key == "z_bucket"   ? &histogram.zero_count
                     : key == "z_bucket_w" ? &histogram.zero_threshold
                                           : nullptr;
    if (number == nullptr) {
      return Bad(key, "bad histogram descriptor found: " + promql::Quote(key));
    }
    ASSIGN_OR_RETURN(*number, ReadFloat(value));
    return Ok();
  }

  Status SetHint(std::string_view hint, FloatHistogram& histogram) const {
    if (hint == "unknown") {
      histogram.reset_hint = CounterResetHint::kUnknown;
    } else if (hint == "reset") {
      histogram.reset_hint = CounterResetHint::kReset;
    } else if (hint == "not_reset") {
      histogram.reset_hint = CounterResetHint::kNotReset;
    } else if (hint == "gauge") {
      histogram.reset_hint = CounterResetHint::kGauge;
    } else {
      return Bad(hint, "bad histogram descriptor found: " + promql::Quote(hint));
    }
    return Ok();
  }

  // A signed duration at the front of `text`, which is cut off.
  Result<int64_t> TakeDuration(std::string_view& text) const {
    const std::string_view where = text;
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const size_t end = std::min(text.find_first_of("+-x"), text.size());
    const Result<Duration> duration = ParsePrometheusDuration(text.substr(0, end));
    if (!duration.ok()) return Bad(where, duration.error().message);
    text.remove_prefix(end);
    return negative ? -duration->count() : duration->count();
  }

  const std::string_view line_;
};

}  // namespace

Result<std::vector<NotedValue>> ParseNotedValues(std::string_view text) {
  return NotationReader(text).ReadValues(text);
}

Result<NotedSeries> ParseSeriesLine(std::string_view line) {
  NotedSeries series;
  std::string_view rest = line;
  ASSIGN_OR_RETURN(series.labels, promql::CutMetric(rest));
  ASSIGN_OR_RETURN(series.values, NotationReader(line).ReadValues(rest));
  return series;
}

Result<std::vector<std::optional<int64_t>>> ParseNotedOffsets(std::string_view text) {
  return NotationReader(text).ReadOffsets(text);
}

}  // namespace tocsin::promqltest
