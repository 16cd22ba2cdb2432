#include "engine/exposition/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/engine/exposition/page_dump.h"

namespace tocsin {
namespace {

using testing_support::DumpPage;

std::string ExamplePage(ExpositionFormat format) {
  std::string page;
  ExpositionWriter writer(format, page);
  writer.Family("requests_total", MetricType::kCounter, "All \"requests\",\nby code \\ path.");
  writer.Sample("requests_total", {{"code", "200"}, {"path", "a\\b\"c\nd"}, {"empty", ""}}, 1e6);
  writer.Family("pg_xact_commit", MetricType::kCounter, "");
  writer.Sample("pg_xact_commit", {}, 0.5);
  writer.Family("build_info", MetricType::kInfo, "Build.");
  writer.Sample("build_info", {{"version", "1"}}, 1);
  writer.Family("my.gauge", MetricType::kGauge, "");
  writer.Sample(ExpositionWriter::SeriesText("my.gauge", {}), -INFINITY, 1500);
  writer.Finish();
  return page;
}

TEST(ExpositionWriterTest, WritesTheTextFormat) {
  EXPECT_EQ(ExamplePage(ExpositionFormat::kPrometheusText),
            "# HELP requests_total All \"requests\",\\nby code \\\\ path.\n"
            "# TYPE requests_total counter\n"
            "requests_total{code=\"200\",path=\"a\\\\b\\\"c\\nd\"} 1e+06\n"
            "# TYPE pg_xact_commit counter\n"
            "pg_xact_commit 0.5\n"
            "# HELP build_info Build.\n"
            "# TYPE build_info gauge\n"
            "build_info{version=\"1\"} 1\n"
            "# TYPE \"my.gauge\" gauge\n"
            "{\"my.gauge\"} -Inf 1500\n");
}

TEST(ExpositionWriterTest, WritesOpenMetricsWithoutRenamingAnything) {
  EXPECT_EQ(ExamplePage(ExpositionFormat::kOpenMetrics),
            "# HELP requests All \\\"requests\\\",\\nby code \\\\ path.\n"
            "# TYPE requests counter\n"
            "requests_total{code=\"200\",path=\"a\\\\b\\\"c\\nd\"} 1e+06\n"
            "# TYPE pg_xact_commit unknown\n"
            "pg_xact_commit 0.5\n"
            "# HELP build Build.\n"
            "# TYPE build info\n"
            "build_info{version=\"1\"} 1\n"
            "# TYPE \"my.gauge\" gauge\n"
            "{\"my.gauge\"} -Inf 1.5\n"
            "# EOF\n");
}

TEST(ExpositionWriterTest, ASeriesTextFromLabelsHasTheNameInFront) {
  EXPECT_EQ(ExpositionWriter::SeriesText(LabelSet{{"__name__", "up"}, {"a", "1"}}), "up{a=\"1\"}");
  EXPECT_EQ(ExpositionWriter::SeriesText(LabelSet{{"__name__", "up"}}), "up");
  EXPECT_EQ(ExpositionWriter::SeriesText(LabelSet{{"__name__", "u.p"}, {"a b", "1"}}),
            "{\"u.p\",\"a b\"=\"1\"}");
}

std::string RandomText(std::mt19937& random, bool may_be_empty) {
  static constexpr std::string_view kPieces[] = {"a", "Z_", "0", ".", "\\", "\"", "\n", "{",
                                                 "}", ",",  "=", " ", "#",  "é",  "\t", "日"};
  std::string text = may_be_empty ? "" : "x";
  for (size_t n = random() % 6; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
  return text;
}

// What is written is read back: names, labels and values of any kind, in both formats.
TEST(ExpositionWriterTest, ParsersReadBackWhatIsWritten) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    LabelSet labels{{"__name__", RandomText(random, false)}};
    for (size_t n = random() % 4; n > 0; --n) {
      const std::string name = RandomText(random, false);
      if (name != kMetricName) labels.Set(name, RandomText(random, true));
    }
    const double value = std::bit_cast<double>(uint64_t{random()} << 32 | random());
    const auto format =
        round % 2 == 0 ? ExpositionFormat::kPrometheusText : ExpositionFormat::kOpenMetrics;
    std::string page;
    ExpositionWriter writer(format, page);
    writer.Family(labels.Get(kMetricName), MetricType::kGauge, RandomText(random, false));
    writer.Sample(ExpositionWriter::SeriesText(labels), value, 1000);
    writer.Finish();
    const std::vector<std::string> lines = DumpPage(page, format);
    ASSERT_EQ(lines.size(), 3u) << page;
    EXPECT_EQ(lines[2], "sample " + labels.ToString() + " " + FormatGoV(value) + " @1000") << page;
  }
}

// Where no name needs quotes, the way without the check writes the same.
TEST(ExpositionWriterTest, PlainSamplesAreWrittenLikeOthers) {
  std::mt19937 random(8);
  static constexpr std::string_view kNames[] = {"a", "le", "relname", "zone"};
  for (int round = 0; round < 1000; ++round) {
    const std::string value = RandomText(random, true);
    std::vector<ExpositionWriter::LabelView> series;
    if (random() % 8 != 0) series.emplace_back(kMetricName, "up:rate5m");
    for (const std::string_view name : kNames) {
      if (random() % 2 == 0)
        series.emplace_back(name, random() % 3 == 0 ? std::string_view() : value);
    }
    std::string checked;
    std::string plain;
    ExpositionWriter(ExpositionFormat::kPrometheusText, checked).Sample(series, round);
    ExpositionWriter(ExpositionFormat::kPrometheusText, plain).PlainSample(series, round);
    EXPECT_EQ(plain, checked);
  }
}

}  // namespace
}  // namespace tocsin
