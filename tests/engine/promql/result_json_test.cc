#include "engine/promql/result_json.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "engine/model/sample.h"

namespace tocsin::promql {
namespace {

std::string Json(const QueryTable& table, const SymbolTable& symbols = SymbolTable()) {
  JsonWriter json;
  json.BeginObject();
  WriteQueryTable(json, table, symbols);
  json.EndObject();
  return json.Take();
}

// Rows one after the other, of values at steps from the begin on.
class RowsMaker {
 public:
  RowsMaker(ResultRows::Kind kind, const Steps& steps)
      : result_{.kind = kind, .block = Block(steps.count), .steps = steps, .rows = {}} {}

  RowsMaker& Add(const LabelSet& labels) {
    result_.rows.push_back(result_.block.AddSeries(Labels::Intern(labels, symbols_)));
    return *this;
  }
  template <typename Value>
  RowsMaker& Set(size_t step, Value value) {
    result_.block.Set(result_.rows.back(), step, value);
    return *this;
  }
  const ResultRows& rows() const { return result_; }
  const SymbolTable& symbols() const { return symbols_; }
  std::string Text() const { return Json(result_, symbols_); }

 private:
  SymbolTable symbols_;
  ResultRows result_;
};

HistogramPtr SmallHistogram() {
  FloatHistogram h;
  h.count = 6;
  h.sum = -1.5;
  h.zero_threshold = 0.25;
  h.zero_count = 1;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {2, 0};
  h.negative_spans = {{1, 1}};
  h.negative_buckets = {3};
  return std::make_shared<FloatHistogram>(h);
}

const std::string kSmallHistogram =
    R"({"count":"6","sum":"-1.5","buckets":[[1,"-2","-1","3"],[3,"-0.25","0.25","1"],)"
    R"([0,"0.5","1","2"]]})";
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(ResultJson, WritesWhatHasNoRows) {
  const LabelSet up{{"__name__", "up"}, {"job", "a<b"}};
  const struct {
    QueryTable table;
    std::string json;
  } kRows[] = {
      {ScalarValue{1435781451781, 1e-7},
       R"({"resultType":"scalar","result":[1435781451.781,"0.0000001"]})"},
      {ScalarValue{1500, -1e21},
       R"({"resultType":"scalar","result":[1.5,"-1000000000000000000000"]})"},
      {StringValue{-1050, "x"}, R"({"resultType":"string","result":[-1.05,"x"]})"},
      {ScalarValue{-5, NormalNan()}, R"({"resultType":"scalar","result":[-0.005,"NaN"]})"},
      {StringValue{0, "x\"y"}, R"({"resultType":"string","result":[0,"x\"y"]})"},
      {MatrixValue{}, R"({"resultType":"matrix","result":[]})"},
      {MatrixValue{{up, {{1000, 1, nullptr}, {2000, 0, SmallHistogram()}, {3500, -kInf, nullptr}}},
                   {{}, {{1000, 0, SmallHistogram()}}}},
       R"({"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a\u003cb"},)"
       R"("values":[[1,"1"],[3.500,"-Inf"]],"histograms":[[2,)" +
           kSmallHistogram + R"(]]},{"metric":{},"histograms":[[1,)" + kSmallHistogram + "]]}]}"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Json(row.table), row.json);
}

TEST(ResultJson, WritesVectors) {
  using enum ResultRows::Kind;
  EXPECT_EQ(RowsMaker(kVector, {}).Text(), R"({"resultType":"vector","result":[]})");
  EXPECT_EQ(
      RowsMaker(kVector, {.start_ms = 1500}).Add({}).Set(0, 1e21).Add({}).Set(0, -1e-7).Text(),
      R"({"resultType":"vector","result":[{"metric":{},"value":[1.500,"1e+21"]},)"
      R"({"metric":{},"value":[1.500,"-1e-07"]}]})");
  // Labels in the order of their names, whatever the order of their ids.
  RowsMaker rows(kVector, {.start_ms = 1000});
  rows.Add({{"job", "a<b"}, {"z", "\"\\"}}).Set(0, kInf);
  rows.Add({{"__name__", "up"}, {"job", "é\xff"}}).Set(0, SmallHistogram());
  rows.Add({{"__name__", "up"}, {"job", "b"}}).Set(0, 1.0);
  EXPECT_EQ(rows.Text(), R"({"resultType":"vector","result":[)"
                         R"({"metric":{"job":"a\u003cb","z":"\"\\"},"value":[1,"+Inf"]},)"
                         R"({"metric":{"__name__":"up","job":"é\ufffd"},"histogram":[1,)" +
                             kSmallHistogram +
                             R"(]},{"metric":{"__name__":"up","job":"b"},"value":[1,"1"]}]})");
}

TEST(ResultJson, WritesMatrices) {
  RowsMaker rows(ResultRows::Kind::kMatrix, {.start_ms = 500, .step_ms = 500, .count = 3});
  rows.Add({{"i", "0"}}).Set(0, 0.1).Set(1, SmallHistogram()).Set(2, 123456.789);
  rows.Add({{"i", "1"}}).Set(2, SmallHistogram());
  rows.Add({{"i", "2"}}).Set(1, NormalNan());
  EXPECT_EQ(rows.Text(), R"({"resultType":"matrix","result":[{"metric":{"i":"0"},)"
                         R"("values":[[0.500,"0.1"],[1.500,"123456.789"]],"histograms":[[1,)" +
                             kSmallHistogram + R"(]]},{"metric":{"i":"1"},"histograms":[[1.500,)" +
                             kSmallHistogram +
                             R"(]]},{"metric":{"i":"2"},"values":[[1,"NaN"]]}]})");
}

// Many series, some of which lack values and one of which has histograms.
RowsMaker LongMatrix() {
  RowsMaker rows(ResultRows::Kind::kMatrix,
                 {.start_ms = 1'700'000'000'000, .step_ms = 500, .count = 100});
  for (size_t i = 0; i < 600; ++i) {
    rows.Add({{"i", std::to_string(i)}});
    for (size_t step = 0; step < 100; ++step) {
      if (i % 7 == 1 && step % 3 == 0) continue;
      rows.Set(step, static_cast<double>(step) * 0.1 + static_cast<double>(i));
      if (i == 5 && step % 2 == 0) rows.Set(step, SmallHistogram());
    }
  }
  return rows;
}

MatrixValue LongWindows() {
  MatrixValue matrix;
  for (int i = 0; i < 600; ++i) {
    auto times = std::make_shared<std::vector<int64_t>>();
    for (int step = 0; step < 100 - i % 3; ++step) times->push_back(500 * step);
    matrix.push_back(
        {{{"i", std::to_string(i)}}, Points(times, std::vector<double>(times->size(), 0.1 * i))});
  }
  return matrix;
}

TEST(ResultJson, IsTheSameInPieces) {
  ThreadPool pool("test", 2);
  const RowsMaker matrix = LongMatrix();
  const QueryTable tables[] = {matrix.rows(), LongWindows(), MatrixValue{}, ScalarValue{1500, 2}};
  for (const QueryTable& table : tables) {
    JsonWriter json;
    std::string text;
    json.BeginObject();
    EXPECT_TRUE(
        StreamQueryTable(json, table, matrix.symbols(), &pool, [&text](std::string_view piece) {
          text += piece;
          return true;
        }));
    json.EndObject();
    text += json.Take();
    EXPECT_EQ(text, Json(table, matrix.symbols()));
  }
  EXPECT_TRUE(IsLong(tables[0]) && IsLong(tables[1]));
  EXPECT_FALSE(IsLong(tables[2]) || IsLong(tables[3]));
}

TEST(ResultJson, EndsWhenNobodyWantsMore) {
  const RowsMaker matrix = LongMatrix();
  JsonWriter json;
  size_t pieces = 0;
  json.BeginObject();
  EXPECT_FALSE(StreamQueryTable(json, matrix.rows(), matrix.symbols(), nullptr,
                                [&pieces](std::string_view) { return ++pieces < 3; }));
  EXPECT_EQ(pieces, 3U);
}

TEST(ResultJson, AnEmptyHistogramHasNoBuckets) {
  JsonWriter json;
  WriteHistogram(json, FloatHistogram());
  EXPECT_EQ(json.text(), R"({"count":"0","sum":"0"})");
}

}  // namespace
}  // namespace tocsin::promql
