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

std::string Json(const QueryValue& value) {
  JsonWriter json;
  WriteQueryValue(json, value);
  return json.Take();
}

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

TEST(ResultJson, WritesEveryKindOfResult) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const LabelSet up{{"__name__", "up"}, {"job", "a<b"}};
  const std::string histogram =
      R"({"count":"6","sum":"-1.5","buckets":[[1,"-2","-1","3"],[3,"-0.25","0.25","1"],)"
      R"([0,"0.5","1","2"]]})";
  const struct {
    QueryValue value;
    std::string json;
  } kRows[] = {
      {ScalarValue{1435781451781, 1e-7},
       R"({"resultType":"scalar","result":[1435781451.781,"0.0000001"]})"},
      {ScalarValue{1500, -1e21},
       R"({"resultType":"scalar","result":[1.5,"-1000000000000000000000"]})"},
      {StringValue{-1050, "x"}, R"({"resultType":"string","result":[-1.05,"x"]})"},
      {ScalarValue{-5, NormalNan()}, R"({"resultType":"scalar","result":[-0.005,"NaN"]})"},
      {StringValue{0, "x\"y"}, R"({"resultType":"string","result":[0,"x\"y"]})"},
      {VectorValue{}, R"({"resultType":"vector","result":[]})"},
      {VectorValue{{{}, {1500, 1e21, nullptr}}, {{}, {1501, -1e-7, nullptr}}},
       R"({"resultType":"vector","result":[{"metric":{},"value":[1.500,"1e+21"]},)"
       R"({"metric":{},"value":[1.501,"-1e-07"]}]})"},
      {VectorValue{{up, {1000, kInf, nullptr}}, {{}, {1000, 0, SmallHistogram()}}},
       R"({"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\u003cb"},)"
       R"("value":[1,"+Inf"]},{"metric":{},"histogram":[1,)" +
           histogram + "]}]}"},
      {MatrixValue{{up, {{1000, 1, nullptr}, {2000, 0, SmallHistogram()}, {3000, -kInf, nullptr}}}},
       R"({"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a\u003cb"},)"
       R"("values":[[1,"1"],[3,"-Inf"]],"histograms":[[2,)" +
           histogram + "]]}]}"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Json(row.value), row.json);
}

// Many series, some of which lack values and one of which has histograms.
MatrixValue LongMatrix() {
  MatrixValue matrix;
  for (int i = 0; i < 300; ++i) {
    auto times = std::make_shared<std::vector<int64_t>>();
    std::vector<double> values;
    std::vector<HistogramPtr> histograms;
    for (int step = 0; step < 100; ++step) {
      if (i % 7 == 1 && step % 3 == 0) continue;
      times->push_back(1'700'000'000'000 + 500 * step);
      values.push_back(step * 0.1 + i);
      if (i == 5) histograms.push_back(step % 2 == 0 ? SmallHistogram() : nullptr);
    }
    matrix.push_back({{{"i", std::to_string(i)}}, {times, values, histograms}});
  }
  return matrix;
}

TEST(ResultJson, IsTheSameInPieces) {
  ThreadPool pool("test", 2);
  const QueryValue values[] = {LongMatrix(), MatrixValue{}, VectorValue{}, ScalarValue{1500, 2}};
  for (const QueryValue& value : values) {
    JsonWriter json;
    std::string text;
    json.BeginObject();
    EXPECT_TRUE(StreamQueryValueMembers(json, value, &pool, [&text](std::string_view piece) {
      text += piece;
      return true;
    }));
    json.EndObject();
    text += json.Take();
    EXPECT_EQ(text, Json(value));
  }
  EXPECT_TRUE(IsLong(values[0]));
  EXPECT_FALSE(IsLong(values[1]) || IsLong(values[2]) || IsLong(values[3]));
}

TEST(ResultJson, EndsWhenNobodyWantsMore) {
  JsonWriter json;
  size_t pieces = 0;
  json.BeginObject();
  EXPECT_FALSE(StreamQueryValueMembers(json, LongMatrix(), nullptr,
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
