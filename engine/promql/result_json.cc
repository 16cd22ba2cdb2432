#include "engine/promql/result_json.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/go_float.h"
#include "engine/model/histogram_buckets.h"
#include "engine/promql/ordered_pieces.h"
#include "engine/promql/row_texts.h"
#include "engine/promql/sample_text.h"

namespace tocsin::promql {
namespace {

// 0: (lower, upper], 1: [lower, upper), 2: (lower, upper), 3: [lower, upper].
int BoundaryRule(const HistogramBucket& bucket) {
  if (bucket.lower_inclusive) return bucket.upper_inclusive ? 3 : 1;
  return bucket.upper_inclusive ? 0 : 2;
}

void WriteSampleValue(JsonWriter& json, double value) { json.String(SampleValueText(value)); }

void WriteHistogramPoint(JsonWriter& json, const Point& point) {
  json.BeginArray();
  WriteTimestamp(json, point.t_ms);
  WriteHistogram(json, *point.histogram);
  json.EndArray();
}

// As in Prometheus: the times of points of series have three decimals or none, others as many as
// they need.
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

// Of a matrix. Floats and histograms under a key of their own each; no key where there are none.
void AppendSeries(const MatrixElement& series, std::string& text) {
  JsonWriter json(std::move(text));
  json.BeginObject().Key("metric");
  WriteLabels(json, series.labels);
  std::string floats;
  for (const Point& point : series.points) {
    if (point.histogram != nullptr) continue;
    floats += floats.empty() ? "[[" : ",[";
    floats += TimestampText(point.t_ms);
    floats += ",\"";
    floats += SampleValueText(point.value);
    floats += "\"]";
  }
  if (!floats.empty()) json.Key("values").Raw(floats + "]");
  bool open = false;
  for (const Point& point : series.points) {
    if (point.histogram == nullptr) continue;
    if (!open) json.Key("histograms").BeginArray();
    open = true;
    WriteHistogramPoint(json, point);
  }
  if (open) json.EndArray();
  json.EndObject();
  text = json.Take();
}

// How many points a piece of a long text has, about. Labels count as some.
constexpr size_t kPointsOfPiece = 8192;
constexpr size_t kPointsOfLabels = 8;

// The series of a matrix in pieces of text, with commas between series but not around a piece.
class MatrixPieces {
 public:
  explicit MatrixPieces(const MatrixValue& matrix) : matrix_(matrix) {
    for (size_t i = 0, points = 0; i < matrix.size(); ++i) {
      points += matrix[i].points.size() + kPointsOfLabels;
      if (points < kPointsOfPiece && i + 1 < matrix.size()) continue;
      ends_.push_back(i + 1);
      points = 0;
    }
  }

  size_t size() const { return ends_.size(); }
  void Append(size_t piece, std::string& text) const {
    const size_t begin = piece == 0 ? 0 : ends_[piece - 1];
    for (size_t i = begin; i < ends_[piece]; ++i) {
      if (i > begin) text += ',';
      AppendSeries(matrix_[i], text);
    }
  }

 private:
  const MatrixValue& matrix_;
  std::vector<size_t> ends_;  // the series that end each piece
};

// Likewise the rows of a result.
class RowPieces {
 public:
  RowPieces(const ResultRows& result, const SymbolTable& symbols)
      : result_(result),
        symbols_(symbols),
        steps_(StepTextsOf(result.steps)),
        rows_(std::max<size_t>(1, kPointsOfPiece / (result.steps.count + kPointsOfLabels))) {}

  size_t size() const { return (result_.rows.size() + rows_ - 1) / rows_; }

  void Append(size_t piece, std::string& text) const {
    RowTexts rows(result_, steps_, symbols_);
    const size_t begin = piece * rows_;
    const size_t end = std::min(result_.rows.size(), begin + rows_);
    for (size_t i = begin; i < end; ++i) {
      if (i > begin) text += ',';
      rows.Append(result_.rows[i], text);
    }
  }

 private:
  const ResultRows& result_;
  const SymbolTable& symbols_;
  const StepTexts steps_;
  const size_t rows_;
};

MatrixPieces PiecesOf(const MatrixValue& matrix, const SymbolTable& /*symbols*/) {
  return MatrixPieces(matrix);
}
RowPieces PiecesOf(const ResultRows& rows, const SymbolTable& symbols) {
  return RowPieces(rows, symbols);
}

std::string_view ResultType(const ScalarValue&) { return "scalar"; }
std::string_view ResultType(const StringValue&) { return "string"; }
std::string_view ResultType(const MatrixValue&) { return "matrix"; }
std::string_view ResultType(const ResultRows& rows) {
  return rows.kind == ResultRows::Kind::kMatrix ? "matrix" : "vector";
}

size_t PointsOf(const MatrixValue& matrix) {
  size_t points = 0;
  for (const MatrixElement& series : matrix) points += series.points.size() + kPointsOfLabels;
  return points;
}
size_t PointsOf(const ResultRows& rows) {
  return rows.rows.size() * (rows.steps.count + kPointsOfLabels);
}

template <typename Result>
constexpr bool kHasSeries =
    std::is_same_v<Result, MatrixValue> || std::is_same_v<Result, ResultRows>;

}  // namespace

void WriteQueryTable(JsonWriter& json, const QueryTable& table, const SymbolTable& symbols) {
  const auto write = [&]<typename Result>(const Result& result) {
    json.Field("resultType", ResultType(result)).Key("result");
    if constexpr (kHasSeries<Result>) {
      json.BeginArray();
      const auto pieces = PiecesOf(result, symbols);
      for (size_t piece = 0; piece < pieces.size(); ++piece) {
        std::string text;
        pieces.Append(piece, text);
        json.Raw(text);
      }
      json.EndArray();
    } else {
      WriteResult(json, result);
    }
  };
  std::visit(write, table);
}

bool IsLong(const QueryTable& table) {
  constexpr size_t kLongPoints = 50'000;
  const auto is_long = []<typename Result>(const Result& result) {
    if constexpr (kHasSeries<Result>) return PointsOf(result) > kLongPoints;
    return false;
  };
  return std::visit(is_long, table);
}

bool StreamQueryTable(JsonWriter& json, const QueryTable& table, const SymbolTable& symbols,
                      Executor* helpers, const TextSink& out) {
  const auto stream = [&]<typename Result>(const Result& result) {
    if constexpr (kHasSeries<Result>) {
      json.Field("resultType", ResultType(result)).Key("result").BeginArray();
      if (!out(json.Take())) return false;
      const auto pieces = PiecesOf(result, symbols);
      const auto make = [&pieces](size_t piece, std::string& text) { pieces.Append(piece, text); };
      bool first = true;
      const auto use = [&](const std::string& text) {
        const bool wanted = (first || out(",")) && out(text);
        first = false;
        return wanted;
      };
      if (!UseInOrder(helpers, pieces.size(), make, use)) return false;
      json.EndArray();
    } else {
      WriteQueryTable(json, result, symbols);
    }
    return true;
  };
  return std::visit(stream, table);
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
