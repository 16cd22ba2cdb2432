#include "engine/promql/result_json.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/go_float.h"
#include "engine/model/histogram_buckets.h"

namespace tocsin::promql {
namespace {

std::string TimestampText(int64_t t_ms) {
  const uint64_t magnitude = t_ms < 0 ? -static_cast<uint64_t>(t_ms) : static_cast<uint64_t>(t_ms);
  std::string text = fmt::format("{}{}", t_ms < 0 ? "-" : "", magnitude / 1000);
  if (magnitude % 1000 != 0) text += fmt::format(".{:03}", magnitude % 1000);
  return text;
}

void WriteSampleValue(JsonWriter& json, double value) { json.String(FormatJsonSample(value)); }

// 0: (lower, upper], 1: [lower, upper), 2: (lower, upper), 3: [lower, upper].
int BoundaryRule(const HistogramBucket& bucket) {
  if (bucket.lower_inclusive) return bucket.upper_inclusive ? 3 : 1;
  return bucket.upper_inclusive ? 0 : 2;
}

void WriteFloatPoint(JsonWriter& json, const Point& point) {
  json.BeginArray();
  WriteTimestamp(json, point.t_ms);
  WriteSampleValue(json, point.value);
  json.EndArray();
}

void WriteHistogramPoint(JsonWriter& json, const Point& point) {
  json.BeginArray();
  WriteTimestamp(json, point.t_ms);
  WriteHistogram(json, *point.histogram);
  json.EndArray();
}

void WriteResult(JsonWriter& json, const ScalarValue& scalar) {
  WriteFloatPoint(json, {.t_ms = scalar.t_ms, .value = scalar.value});
}

void WriteResult(JsonWriter& json, const StringValue& string) {
  json.BeginArray();
  WriteTimestamp(json, string.t_ms);
  json.String(string.text).EndArray();
}

void WriteResult(JsonWriter& json, const VectorValue& vector) {
  json.BeginArray();
  for (const VectorElement& element : vector) {
    json.BeginObject().Key("metric");
    WriteLabels(json, element.labels);
    if (element.point.histogram == nullptr) {
      json.Key("value");
      WriteFloatPoint(json, element.point);
    } else {
      json.Key("histogram");
      WriteHistogramPoint(json, element.point);
    }
    json.EndObject();
  }
  json.EndArray();
}

// Writes the floats of many series, which nearly always stand at the same times: the text of a time
// is made once, and a series is one piece for the writer.
class FloatPointsWriter {
 public:
  // The floats of the series under a key of their own; no key without floats.
  void Write(JsonWriter& json, const MatrixElement& series) {
    text_.assign(1, '[');
    size_t column = 0;
    for (const Point& point : series.points) {
      if (point.histogram != nullptr) continue;
      if (column > 0) text_ += ',';
      AppendTime(column++, point.t_ms);
      AppendValue(point.value);
    }
    if (column == 0) return;
    text_ += ']';
    json.Key("values").Raw(text_);
  }

 private:
  struct Time {
    int64_t t_ms;
    std::string text;  // "[1700000000.5,\""
  };

  void AppendTime(size_t column, int64_t t_ms) {
    if (column == times_.size()) times_.push_back({t_ms, {}});
    Time& time = times_[column];
    if (time.text.empty() || time.t_ms != t_ms) time = {t_ms, "[" + TimestampText(t_ms) + ",\""};
    text_ += time.text;
  }

  void AppendValue(double value) {
    // Every whole number up to here is a double, and has no exponent in JSON; with a fraction the
    // shortest digits in fixed notation are what Go prints.
    constexpr double kExact = 1e15;
    constexpr double kLeast = 1e-5;
    std::array<char, 40> digits;
    char* end = nullptr;
    const double magnitude = std::fabs(value);
    if (magnitude < kExact && magnitude >= 1 && value == std::floor(value)) {
      end = std::to_chars(digits.begin(), digits.end(), static_cast<int64_t>(value)).ptr;
    } else if (magnitude < kExact && magnitude >= kLeast) {
      end = std::to_chars(digits.begin(), digits.end(), value, std::chars_format::fixed).ptr;
    } else {
      text_ += FormatJsonSample(value);
      end = digits.begin();
    }
    text_.append(digits.begin(), end);
    text_ += "\"]";
  }

  std::vector<Time> times_;
  std::string text_;
};

// The histograms of the series under a key of their own; no key without histograms.
void WriteHistogramPoints(JsonWriter& json, const MatrixElement& series) {
  bool open = false;
  for (const Point& point : series.points) {
    if (point.histogram == nullptr) continue;
    if (!open) json.Key("histograms").BeginArray();
    open = true;
    WriteHistogramPoint(json, point);
  }
  if (open) json.EndArray();
}

void WriteResult(JsonWriter& json, const MatrixValue& matrix) {
  FloatPointsWriter floats;
  json.BeginArray();
  for (const MatrixElement& series : matrix) {
    json.BeginObject().Key("metric");
    WriteLabels(json, series.labels);
    floats.Write(json, series);
    WriteHistogramPoints(json, series);
    json.EndObject();
  }
  json.EndArray();
}

std::string_view ResultType(const ScalarValue&) { return "scalar"; }
std::string_view ResultType(const StringValue&) { return "string"; }
std::string_view ResultType(const VectorValue&) { return "vector"; }
std::string_view ResultType(const MatrixValue&) { return "matrix"; }

}  // namespace

void WriteQueryValue(JsonWriter& json, const QueryValue& value) {
  json.BeginObject();
  WriteQueryValueMembers(json, value);
  json.EndObject();
}

void WriteQueryValueMembers(JsonWriter& json, const QueryValue& value) {
  std::visit(
      [&](const auto& result) {
        json.Field("resultType", ResultType(result)).Key("result");
        WriteResult(json, result);
      },
      value);
}

void WriteLabels(JsonWriter& json, const LabelSet& labels) {
  json.BeginObject();
  for (const auto& [name, value] : labels) json.Field(name, value);
  json.EndObject();
}

void WriteTimestamp(JsonWriter& json, int64_t t_ms) { json.Raw(TimestampText(t_ms)); }

void WriteHistogram(JsonWriter& json, const FloatHistogram& histogram) {
  json.BeginObject().Key("count");
  WriteSampleValue(json, histogram.count);
  json.Key("sum");
  WriteSampleValue(json, histogram.sum);
  bool open = false;
  for (BucketWalk walk(histogram, BucketWalk::Order::kAscending); walk.Next();) {
    const HistogramBucket& bucket = walk.bucket();
    if (bucket.count == 0) continue;
    if (!open) json.Key("buckets").BeginArray();
    open = true;
    json.BeginArray().Int(BoundaryRule(bucket));
    WriteSampleValue(json, bucket.lower);
    WriteSampleValue(json, bucket.upper);
    WriteSampleValue(json, bucket.count);
    json.EndArray();
  }
  if (open) json.EndArray();
  json.EndObject();
}

}  // namespace tocsin::promql
