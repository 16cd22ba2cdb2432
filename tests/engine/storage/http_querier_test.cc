#include "engine/storage/http_querier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/fake_http.h"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::FakeHttp;

class HttpQuerierTest : public testing::Test {
 protected:
  // What a selection reads from an answer with these series.
  Result<std::vector<SampleColumns>> Read(const std::string& result) {
    http_.Answer("http://server/api/v1/query", 200,
                 R"({"status":"success","data":{"resultType":"matrix","result":)" + result + "}}");
    const HttpQuerier querier(http_, "http://server");
    SymbolTable overlay(querier.symbols());
    ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> set,
                     querier.Select(matchers_, kRange, {}, overlay));
    std::vector<SampleColumns> read(set->size());
    for (size_t i = 0; i < set->size(); ++i) {
      RETURN_IF_ERROR(set->Read(i, kRange, read[i]));
      labels_.push_back(set->labels(i).ToLabelSet(overlay).ToString());
    }
    return read;
  }

  static constexpr TimeRange kRange = {.min_ms = 0, .max_ms = 4'000'000'000'000};
  const std::vector<Matcher> matchers_ = {Matcher::Equal(kMetricName, "up")};
  FakeHttp http_;
  std::vector<std::string> labels_;
};

TEST_F(HttpQuerierTest, ReadsSamplesAsServersWriteThem) {
  const auto read = Read(
      R"([{"metric":{"__name__":"up","a":"x"},"values":[[1764000000,"1"],[1764000015.25,"-2.5e-07"],)"
      R"([1764000030.001,"+Inf"],[1764000045.1,"NaN"]]},{"metric":{"__name__":"up"},"values":[[7,"0"]]}])");
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_THAT((*read)[0].t_ms,
              ElementsAre(1764000000000, 1764000015250, 1764000030001, 1764000045100));
  EXPECT_EQ((*read)[0].values[1], -2.5e-07);
  EXPECT_TRUE(std::isinf((*read)[0].values[2]));
  EXPECT_TRUE(std::isnan((*read)[0].values[3]));
  EXPECT_THAT((*read)[1].t_ms, ElementsAre(7000));
  EXPECT_THAT(labels_, ElementsAre("up{a=\"x\"}", "up"));
}

TEST_F(HttpQuerierTest, ReadsWhatIsWrittenOtherwiseAsJson) {
  const auto read = Read(R"([ {"metric": {"__name__": "up"}, "values": [ [ 1.764e9, "1" ] ]},
      {"metric":{"__name__":"b"},"values":[[1764000000, "2"]]},
      {"metric":{"__name__":"c"},"values":[[1764000000,"3"]]},
      {"metric":{"__name__":"d"},"values":[]}])");
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_THAT((*read)[i].t_ms, ElementsAre(1764000000000));
    EXPECT_THAT((*read)[i].values, ElementsAre(static_cast<double>(i + 1)));
  }
  EXPECT_EQ((*read)[3].size(), 0u);
}

TEST_F(HttpQuerierTest, LabelsMayLookLikeSamples) {
  const auto read = Read(
      R"([{"metric":{"__name__":"up","values":"[[1,\"2\"]]","q":"\"values\":[[1,\"2\"]]"},"values":[[3,"4"]]}])");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT((*read)[0].t_ms, ElementsAre(3000));
  EXPECT_THAT(labels_, ElementsAre(R"(up{q="\"values\":[[1,\"2\"]]", values="[[1,\"2\"]]"})"));
}

TEST_F(HttpQuerierTest, RefusesWhatIsNoSample) {
  for (const char* samples : {R"([[1,"x"]])", R"([[1]])", R"([["1","2"]])", R"([1,2])"}) {
    const auto read =
        Read(std::string(R"([{"metric":{"__name__":"up"},"values":)") + samples + "}]");
    ASSERT_FALSE(read.ok()) << samples;
    EXPECT_THAT(read.error().message, HasSubstr("a sample"));
  }
  EXPECT_FALSE(Read(R"([{"metric":{"__name__":"up"},"values":[[1,"2"])").ok());
  EXPECT_FALSE(Read(R"([{"metric":{},"histograms":[]}])").ok());
}

}  // namespace
}  // namespace tocsin
