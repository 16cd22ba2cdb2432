#include "engine/promqltest/series_notation.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>

#include "base/go_float.h"
#include "base/time.h"
#include "engine/model/histogram.h"
#include "engine/promql/parser.h"

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

Error BadItem(std::string_view item, const std::string& why) {
  return InvalidArgument("invalid series value \"" + std::string(item) + "\": " + why);
}

Result<size_t> ReadCount(std::string_view text, std::string_view item) {
  size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count > kMaxValues) {
    return BadItem(item, "expected a number of repetitions after \"x\"");
  }
  return count;
}

Result<double> ReadFloat(std::string_view text, std::string_view item) {
  const std::optional<double> value = ParseGoFloat(text);
  if (!value) return BadItem(item, "\"" + std::string(text) + "\" is no number");
  return *value;
}

NotedValue Float(double value) { return {.kind = NotedValue::Kind::kFloat, .value = value}; }

// "[5 10 7]" without its brackets.
Result<std::vector<double>> ReadNumbers(std::string_view text, std::string_view item) {
  std::vector<double> numbers;
  SkipBlanks(text);
  while (!text.empty()) {
    ASSIGN_OR_RETURN(const double number, ReadFloat(TakeItem(text), item));
    numbers.push_back(number);
  }
  return numbers;
}

// Between {{ and }}: key:value items.
class HistogramReader {
 public:
  explicit HistogramReader(std::string_view item) : item_(item) {}

  Result<NotedValue> Read(std::string_view body) {
    SkipBlanks(body);
    while (!body.empty()) {
      const size_t colon = body.find(':');
      if (colon == std::string_view::npos) return BadItem(item_, "expected key:value");
      const std::string_view key = body.substr(0, colon);
      body.remove_prefix(colon + 1);
      if (!seen_.insert(std::string(key)).second) {
        return BadItem(item_, "\"" + std::string(key) + "\" stands twice");
      }
      std::string_view value;
      if (body.starts_with('[')) {
        const size_t close = body.find(']');
        if (close == std::string_view::npos) return BadItem(item_, "\"[\" without \"]\"");
        value = body.substr(1, close - 1);
        body.remove_prefix(close + 1);
        SkipBlanks(body);
      } else {
        value = TakeItem(body);
      }
      RETURN_IF_ERROR(Set(key, value));
    }
    Place(histogram_.positive_spans, histogram_.positive_buckets, offset_);
    Place(histogram_.negative_spans, histogram_.negative_buckets, negative_offset_);
    return NotedValue{.kind = NotedValue::Kind::kHistogram,
                      .histogram = std::make_shared<const FloatHistogram>(std::move(histogram_)),
                      .names_hint = seen_.contains("counter_reset_hint")};
  }

 private:
  static void Place(std::vector<HistogramSpan>& spans, const std::vector<double>& buckets,
                    double offset) {
    if (buckets.empty()) return;
    spans.push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(buckets.size())});
  }

  Status Set(std::string_view key, std::string_view value) {
    if (key == "counter_reset_hint") return SetHint(value);
    std::vector<double>* list = key == "buckets"         ? &histogram_.positive_buckets
                                : key == "n_buckets"     ? &histogram_.negative_buckets
                                : key == "custom_values" ? &histogram_.custom_bounds
                                                         : nullptr;
    if (list != nullptr) {
      ASSIGN_OR_RETURN(*list, ReadNumbers(value, item_));
      return Ok();
    }
    ASSIGN_OR_RETURN(const double number, ReadFloat(value, item_));
    if (key == "schema") {
      histogram_.schema = static_cast<int32_t>(number);
    } else if (key == "count") {
      histogram_.count = number;
    } else if (key == "sum") {
      histogram_.sum = number;
    } else if (key == "z_bucket") {
      histogram_.zero_count = number;
    } else if (key == "z_bucket_w") {
      histogram_.zero_threshold = number;
    } else if (key == "offset") {
      offset_ = number;
    } else if (key == "n_offset") {
      negative_offset_ = number;
    } else {
      return BadItem(item_, "unknown key \"" + std::string(key) + "\"");
    }
    return Ok();
  }

  Status SetHint(std::string_view hint) {
    if (hint == "unknown") return Ok();
    if (hint == "reset") {
      histogram_.reset_hint = CounterResetHint::kReset;
    } else if (hint == "not_reset") {
      histogram_.reset_hint = CounterResetHint::kNotReset;
    } else if (hint == "gauge") {
      histogram_.reset_hint = CounterResetHint::kGauge;
    } else {
      return BadItem(item_, "unknown counter_reset_hint \"" + std::string(hint) + "\"");
    }
    return Ok();
  }

  const std::string_view item_;
  FloatHistogram histogram_;
  double offset_ = 0;
  double negative_offset_ = 0;
  std::set<std::string> seen_;
};

// "{{…}}" at the front of `text`, which is cut off.
Result<NotedValue> TakeHistogram(std::string_view& text, std::string_view item) {
  const size_t close = text.find("}}");
  if (!text.starts_with("{{") || close == std::string_view::npos) {
    return BadItem(item, "expected {{…}}");
  }
  const std::string_view body = text.substr(2, close - 2);
  text.remove_prefix(close + 2);
  return HistogramReader(item).Read(body);
}

// {{A}}, {{A}}xN, {{A}}+{{B}}xN, {{A}}-{{B}}xN
Status ReadHistograms(std::string_view item, std::vector<NotedValue>& values) {
  std::string_view rest = item;
  ASSIGN_OR_RETURN(NotedValue value, TakeHistogram(rest, item));
  values.push_back(value);
  if (rest.empty()) return Ok();
  NotedValue step;
  const bool subtract = rest.starts_with('-');
  if (subtract || rest.starts_with('+')) {
    rest.remove_prefix(1);
    ASSIGN_OR_RETURN(step, TakeHistogram(rest, item));
  }
  if (!rest.starts_with('x')) return BadItem(item, "expected \"x\" and a number");
  ASSIGN_OR_RETURN(const size_t count, ReadCount(rest.substr(1), item));
  for (size_t i = 0; i < count; ++i) {
    if (step.histogram != nullptr) {
      auto next = std::make_shared<FloatHistogram>(*value.histogram);
      const HistogramMerge merge =
          subtract ? next->Sub(*step.histogram) : next->Add(*step.histogram);
      if (!merge.compatible) return BadItem(item, "histograms that cannot be added");
      next->reset_hint = value.histogram->reset_hint;
      next->Compact();
      value.histogram = std::move(next);
    }
    values.push_back(value);
  }
  return Ok();
}

// a, axN, a+bxN, a-bxN
Status ReadFloats(std::string_view item, std::vector<NotedValue>& values) {
  const size_t x = item.rfind('x');
  if (x == std::string_view::npos) {
    ASSIGN_OR_RETURN(const double value, ReadFloat(item, item));
    values.push_back(Float(value));
    return Ok();
  }
  ASSIGN_OR_RETURN(const size_t count, ReadCount(item.substr(x + 1), item));
  const std::string_view terms = item.substr(0, x);
  // The operator is a sign that neither begins the text nor belongs to an exponent.
  size_t op = 1;
  while (op < terms.size() && !((terms[op] == '+' || terms[op] == '-') && terms[op - 1] != 'e' &&
                                terms[op - 1] != 'E')) {
    ++op;
  }
  ASSIGN_OR_RETURN(double value, ReadFloat(terms.substr(0, op), item));
  double step = 0;
  if (op < terms.size()) {
    ASSIGN_OR_RETURN(step, ReadFloat(terms.substr(op + 1), item));
    if (terms[op] == '-') step = -step;
  }
  values.push_back(Float(value));
  for (size_t i = 0; i < count; ++i) {
    if (op < terms.size()) value += step;
    values.push_back(Float(value));
  }
  return Ok();
}

// "_" and "_xN"
Result<size_t> ReadGap(std::string_view item) {
  if (item == "_") return size_t{1};
  if (!item.starts_with("_x")) return BadItem(item, "expected _ or _xN");
  return ReadCount(item.substr(2), item);
}

// A signed duration at the front of `text`, which is cut off.
Result<int64_t> TakeDuration(std::string_view& text, std::string_view item) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  size_t end = 0;
  while (end < text.size() && text[end] != '+' && text[end] != '-' && text[end] != 'x') ++end;
  const Result<Duration> duration = ParsePrometheusDuration(text.substr(0, end));
  if (!duration.ok()) return BadItem(item, duration.error().message);
  text.remove_prefix(end);
  return negative ? -duration->count() : duration->count();
}

}  // namespace

Result<std::vector<NotedValue>> ParseNotedValues(std::string_view text) {
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
    if (values.size() > kMaxValues) return BadItem(item, "too many values");
  }
  return values;
}

Result<NotedSeries> ParseSeriesLine(std::string_view line) {
  NotedSeries series;
  ASSIGN_OR_RETURN(series.labels, promql::CutMetric(line));
  ASSIGN_OR_RETURN(series.values, ParseNotedValues(line));
  return series;
}

Result<std::vector<std::optional<int64_t>>> ParseNotedOffsets(std::string_view text) {
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
    ASSIGN_OR_RETURN(int64_t offset, TakeDuration(rest, item));
    int64_t step = 0;
    if (!rest.empty() && rest.front() != 'x') {
      ASSIGN_OR_RETURN(step, TakeDuration(rest, item));
    }
    offsets.emplace_back(offset);
    if (rest.empty()) continue;
    ASSIGN_OR_RETURN(const size_t count, ReadCount(rest.substr(1), item));
    for (size_t i = 0; i < count; ++i) offsets.emplace_back(offset += step);
  }
  return offsets;
}

}  // namespace tocsin::promqltest
