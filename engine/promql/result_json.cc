#include "engine/promql/result_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/go_float.h"
#include "engine/model/histogram_buckets.h"
#include "engine/promql/ordered_pieces.h"

namespace tocsin::promql {
namespace {

std::string TimestampText(int64_t t_ms) {
  const uint64_t magnitude = t_ms < 0 ? -static_cast<uint64_t>(t_ms) : static_cast<uint64_t>(t_ms);
  std::array<char, 24> digits;
  std::string text = t_ms < 0 ? "-" : "";
  text.append(digits.begin(), std::to_chars(digits.begin(), digits.end(), magnitude / 1000).ptr);
  if (const uint64_t ms = magnitude % 1000; ms != 0) {
    // With the zeros in front: 1005 is ".005".
    char* const end = std::to_chars(digits.begin(), digits.end(), ms + 1000).ptr;
    text += '.';
    text.append(digits.begin() + 1, end);
  }
  return text;
}

// 0: (lower, upper], 1: [lower, upper), 2: (lower, upper), 3: [lower, upper].
int BoundaryRule(const HistogramBucket& bucket) {
  if (bucket.lower_inclusive) return bucket.upper_inclusive ? 3 : 1;
  return bucket.upper_inclusive ? 0 : 2;
}

void AppendValue(std::string& text, double value) {
  // Every whole number up to here is a double, and has no exponent in JSON; with a fraction the
  // shortest digits in fixed notation are what Go prints.
  constexpr double kExact = 1e15;
  constexpr double kLeast = 1e-5;
  std::array<char, 40> digits;
  char* end = digits.begin();
  const double magnitude = std::fabs(value);
  if (magnitude < kExact && magnitude >= 1 && value == std::floor(value)) {
    end = std::to_chars(digits.begin(), digits.end(), static_cast<int64_t>(value)).ptr;
  } else if (magnitude < kExact && magnitude >= kLeast) {
    end = std::to_chars(digits.begin(), digits.end(), value, std::chars_format::fixed).ptr;
  } else {
    text += FormatJsonSample(value);
  }
  text.append(digits.begin(), end);
}

void WriteSampleValue(JsonWriter& json, double value) {
  std::string text;
  AppendValue(text, value);
  json.String(text);
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

// As in Prometheus: the times of points of series have three decimals or none, others as many as they
// need.
void WriteShortTime(JsonWriter& json, int64_t t_ms) {
  std::string text = TimestampText(t_ms);
  if (t_ms % 1000 != 0) text.erase(text.find_last_not_of('0') + 1);
  json.Raw(text);
}

// Unlike values of series, never with an exponent.
void WriteResult(JsonWriter& json, const ScalarValue& scalar) {
  json.BeginArray();
  WriteShortTime(json, scalar.t_ms);
  json.String(FormatGoF(scalar.value)).EndArray();
}

void WriteResult(JsonWriter& json, const StringValue& string) {
  json.BeginArray();
  WriteShortTime(json, string.t_ms);
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

// The beginning of each point, "[1700000000.5,\"": made once for all series that share their times.
class TimeTexts {
 public:
  explicit TimeTexts(Points::Times times) : times_(std::move(times)) {
    texts_.reserve(times_->size());
    for (const int64_t t_ms : *times_) texts_.push_back("[" + TimestampText(t_ms) + ",\"");
  }

  bool Are(const Points::Times& times) const { return times == times_; }
  const std::string& operator[](size_t i) const { return texts_[i]; }

 private:
  Points::Times times_;
  std::vector<std::string> texts_;
};

// Writes the series of a matrix one after the other.
class SeriesWriter {
 public:
  void Write(JsonWriter& json, const MatrixElement& series) {
    json.BeginObject().Key("metric");
    WriteLabels(json, series.labels);
    WriteFloats(json, series.points);
    WriteHistograms(json, series.points);
    json.EndObject();
  }

 private:
  // Under a key of their own; no key without floats.
  void WriteFloats(JsonWriter& json, const Points& points) {
    if (points.empty()) return;
    if (!times_ || !times_->Are(points.times())) times_.emplace(points.times());
    text_.assign(1, '[');
    for (size_t i = 0; i < points.size(); ++i) {
      if (points.has_histograms() && points[i].histogram != nullptr) continue;
      if (text_.size() > 1) text_ += ',';
      text_ += (*times_)[i];
      AppendValue(text_, points.values()[i]);
      text_ += "\"]";
    }
    if (text_.size() == 1) return;
    text_ += ']';
    json.Key("values").Raw(text_);
  }

  // Likewise.
  static void WriteHistograms(JsonWriter& json, const Points& points) {
    if (!points.has_histograms()) return;
    bool open = false;
    for (const Point& point : points) {
      if (point.histogram == nullptr) continue;
      if (!open) json.Key("histograms").BeginArray();
      open = true;
      WriteHistogramPoint(json, point);
    }
    if (open) json.EndArray();
  }

  std::optional<TimeTexts> times_;
  std::string text_;
};

void WriteResult(JsonWriter& json, const MatrixValue& matrix) {
  SeriesWriter writer;
  json.BeginArray();
  for (const MatrixElement& series : matrix) writer.Write(json, series);
  json.EndArray();
}

// The series that end each piece of the text, which all have about the same number of points.
std::vector<size_t> PiecesOf(const MatrixValue& matrix) {
  constexpr size_t kPoints = 8192;
  std::vector<size_t> ends;
  size_t points = 0;
  for (size_t i = 0; i < matrix.size(); ++i) {
    points += matrix[i].points.size() + 1;
    if (points < kPoints && i + 1 < matrix.size()) continue;
    ends.push_back(i + 1);
    points = 0;
  }
  return ends;
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

bool IsLong(const QueryValue& value) {
  constexpr size_t kLongPoints = 20'000;
  const auto* matrix = std::get_if<MatrixValue>(&value);
  if (matrix == nullptr) return false;
  size_t points = 0;
  for (const MatrixElement& series : *matrix) points += series.points.size();
  return points > kLongPoints;
}

bool StreamQueryValueMembers(JsonWriter& json, const QueryValue& value, Executor* helpers,
                             const TextSink& out) {
  const auto* matrix = std::get_if<MatrixValue>(&value);
  if (matrix == nullptr) {
    WriteQueryValueMembers(json, value);
    return true;
  }
  json.Field("resultType", ResultType(*matrix)).Key("result").BeginArray();
  if (!out(json.Take())) return false;
  const std::vector<size_t> ends = PiecesOf(*matrix);
  const auto make = [&](size_t piece, std::string& text) {
    JsonWriter part(std::move(text));
    SeriesWriter writer;
    for (size_t i = piece == 0 ? 0 : ends[piece - 1]; i < ends[piece]; ++i) {
      writer.Write(part, (*matrix)[i]);
    }
    text = part.Take();
  };
  bool first = true;
  const auto use = [&](const std::string& text) {
    const bool wanted = (first || out(",")) && out(text);
    first = false;
    return wanted;
  };
  if (!UseInOrder(helpers, ends.size(), make, use)) return false;
  json.EndArray();
  return true;
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
