// What a report says of tables of answers; the figures themselves are held to an independent script
// in tests/e2e/report_test.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/json.h"
#include "delivery/report/report_mail.h"
#include "delivery/report/report_run.h"
#include "delivery/report/svg_chart.h"

namespace tocsin::delivery {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Timestamp kEnd = *ParseRfc3339("2026-11-23T00:00:00Z");
const ReportPeriod kWeek{.from = kEnd - hours(168), .to = kEnd};

// Answers by the longest text that an expression holds; nothing otherwise.
class TableSource final : public MetricSource {
 public:
  void Set(std::string text, double value) { values_[std::move(text)] = value; }
  void Fail(Error error) { error_ = std::move(error); }
  void SetFiring(LabelSet labels, std::vector<Timestamp> minutes) {
    MetricSeries series{.labels = std::move(labels), .points = {}};
    for (const Timestamp at : minutes) series.points.push_back({.at = at, .value = 1});
    firing_.push_back(std::move(series));
  }

  Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp) override {
    if (error_) return *error_;
    const std::string* found = nullptr;
    for (const auto& [text, value] : values_) {
      if (expr.find(text) == std::string::npos) continue;
      if (found == nullptr || text.size() > found->size()) found = &text;
    }
    if (found == nullptr) return std::vector<MetricSample>();
    return std::vector<MetricSample>{{.labels = {}, .value = values_.at(*found)}};
  }
  Result<std::vector<MetricSeries>> QueryRange(const std::string& expr,
                                               const MetricSteps& steps) override {
    if (expr.find("ALERTS") == std::string::npos) return std::vector<MetricSeries>();
    std::vector<MetricSeries> in = firing_;
    for (MetricSeries& series : in) {
      std::erase_if(series.points, [&](const MetricPoint& point) {
        return point.at < steps.from || point.at > steps.to;
      });
    }
    return in;
  }

 private:
  std::map<std::string, double> values_;
  std::vector<MetricSeries> firing_;
  std::optional<Error> error_;
};

std::vector<Timestamp> Minutes(Timestamp from, int count) {
  std::vector<Timestamp> times;
  for (int i = 1; i <= count; ++i) times.push_back(from + minutes(i));
  return times;
}

ReportInputs Inputs() {
  ReportInputs inputs;
  inputs.source = "http://server";
  inputs.period = kWeek;
  return inputs;
}

TEST(ReportTest, WithoutDataEveryFigureSaysWhyThereIsNone) {
  TableSource source;
  const Result<Report> report = ReportRun(Inputs(), source).Run();
  ASSERT_TRUE(report.ok()) << report.error().message;
  for (const ReportSection& section : report->sections) {
    for (const ReportTable& table : section.tables) {
      if (table.id == "slo" || table.id == "queries") continue;
      EXPECT_NE(table.rows.empty(), table.missing.empty()) << table.id;
      for (const auto& row : table.rows) {
        EXPECT_EQ(FormatReportCell(row[1]), "n/a") << FormatReportCell(row[0]);
        EXPECT_THAT(row[1].missing, HasSubstr("no series ")) << FormatReportCell(row[0]);
      }
    }
    for (const ReportChart& chart : section.charts) EXPECT_THAT(chart.missing, Not(IsEmpty()));
  }
  EXPECT_THAT(RenderReportText(*report, false), HasSubstr("21 of 21 figures are n/a"));
}

TEST(ReportTest, AServerThatCannotBeAskedIsNoReport) {
  TableSource source;
  source.Fail(Unavailable("connection refused"));
  const Result<Report> report = ReportRun(Inputs(), source).Run();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().message, "connection refused");
}

TEST(ReportTest, AFigureThatIsNoNumberIsMissing) {
  TableSource source;
  source.Set("count_over_time", 2016);
  source.Set("max(max_over_time(celery_queue_length", NAN);
  const Result<Report> report = ReportRun(Inputs(), source).Run();
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(RenderReportCsv(*report),
              HasSubstr("resources,\"Tasks waiting, peak\",value,,,,,nothing was counted\r\n"));
}

TEST(ReportTest, APeriodBeforeThatIsHardlyCoveredIsNotComparedWith) {
  TableSource source;
  source.Set("count_over_time", 200);
  source.Set("max(max_over_time(celery_queue_length", 7);
  ReportInputs inputs = Inputs();
  inputs.before = {.from = kWeek.from - hours(168), .to = kWeek.from};
  const Result<Report> report = ReportRun(std::move(inputs), source).Run();
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(RenderReportText(*report, false),
              HasSubstr("the period before is covered for 9.92% only"));
}

TEST(ReportAlertsTest, EpisodesAreRunsOfMinutes) {
  TableSource source;
  const LabelSet labels = {{"alertname", "A"}, {"severity", "page"}, {"alertstate", "firing"}};
  std::vector<Timestamp> times = Minutes(kWeek.from + hours(5), 3);
  for (const Timestamp at : Minutes(kWeek.from + hours(9), 10)) times.push_back(at);
  source.SetFiring(labels, times);
  const auto episodes = FindEpisodes(source, kWeek);
  ASSERT_TRUE(episodes.ok());
  ASSERT_EQ(episodes->size(), 2U);
  EXPECT_EQ((*episodes)[0].labels, LabelSet({{"alertname", "A"}, {"severity", "page"}}));
  EXPECT_EQ((*episodes)[0].from, kWeek.from + hours(5));
  EXPECT_EQ((*episodes)[0].to, kWeek.from + hours(5) + minutes(3));
  const auto summaries = SummarizeAlerts(*episodes, nullptr, kWeek);
  ASSERT_EQ(summaries.size(), 1U);
  EXPECT_EQ(summaries[0].fired, 2U);
  EXPECT_EQ(summaries[0].firing, minutes(13));
  EXPECT_EQ(summaries[0].longest, minutes(10));
  EXPECT_EQ(summaries[0].to_resolve, Duration(minutes(13)) / 2);
  EXPECT_FALSE(summaries[0].to_acknowledge);
}

TEST(ReportAlertsTest, WhatBeganBeforeDidNotFireInThePeriodAndWhatGoesOnIsNotResolved) {
  TableSource source;
  source.SetFiring({{"alertname", "Old"}}, Minutes(kWeek.from, 5));
  source.SetFiring({{"alertname", "New"}}, Minutes(kWeek.to - minutes(5), 5));
  const auto summaries = SummarizeAlerts(*FindEpisodes(source, kWeek), nullptr, kWeek);
  ASSERT_EQ(summaries.size(), 2U);
  EXPECT_EQ(summaries[0].name, "New");
  EXPECT_EQ(summaries[0].firing_now, 1U);
  EXPECT_FALSE(summaries[0].to_resolve);
  EXPECT_EQ(summaries[1].fired, 0U);
  EXPECT_EQ(summaries[1].episodes, 1U);
}

TEST(ReportAlertsTest, OnlyAnAlertThatCallsNobodyIsAHeartbeat) {
  TableSource source;
  source.SetFiring({{"alertname", "Watchdog"}, {"severity", "none"}}, Minutes(kWeek.from, 10080));
  source.SetFiring({{"alertname", "Broken"}, {"severity", "critical"}}, Minutes(kWeek.from, 10080));
  for (const AlertSummary& one : SummarizeAlerts(*FindEpisodes(source, kWeek), nullptr, kWeek)) {
    EXPECT_EQ(one.heartbeat, one.name == "Watchdog");
  }
}

TEST(ReportAlertsTest, TheFirstSilenceThatMatchesWhileItRangIsTheAcknowledgement) {
  const auto silences = ReadSilences(R"([
    {"startsAt":"2026-11-17T10:04:00Z","matchers":[{"name":"alertname","value":"A|B","isRegex":true,"isEqual":true}]},
    {"startsAt":"2026-11-17T10:01:00Z","matchers":[{"name":"alertname","value":"A","isRegex":false,"isEqual":false}]},
    {"startsAt":"2026-11-17T12:00:00Z","matchers":[{"name":"alertname","value":"A"}]}])");
  ASSERT_TRUE(silences.ok()) << silences.error().message;
  const Timestamp ten = *ParseRfc3339("2026-11-17T10:00:00Z");
  const std::vector<AlertEpisode> episodes = {
      {.labels = {{"alertname", "A"}}, .from = ten, .to = ten + minutes(30)}};
  const auto summaries = SummarizeAlerts(episodes, &*silences, kWeek);
  EXPECT_EQ(summaries[0].to_acknowledge, Duration(minutes(4)));
}

TEST(DeploymentsTest, DoraIsOfThePeriodAlone) {
  const auto all = ReadDeployments(
      "d.jsonl",
      R"({"version":"1","started":"2026-11-10T00:00:00Z","finished":"2026-11-10T01:00:00Z","result":"rolled_back"}
{"version":"2","to":"blue","started":"2026-11-17T00:00:00Z","finished":"2026-11-17T01:00:00Z","result":"succeeded","committed":"2026-11-16T23:00:00Z"}
{"version":"3","to":"green","started":"2026-11-18T00:00:00Z","finished":"2026-11-18T00:10:00Z","result":"failed"}

{"version":"4","to":"green","started":"2026-11-18T02:00:00Z","finished":"2026-11-18T03:00:00Z","result":"succeeded","committed":""}
)");
  ASSERT_TRUE(all.ok()) << all.error().message;
  const DoraFigures dora = ComputeDora(*all, kWeek);
  EXPECT_EQ(dora.deployments, 3U);
  EXPECT_EQ(dora.failures, 1U);
  EXPECT_EQ(dora.lead_time, Duration(hours(2)));
  EXPECT_EQ(dora.lead_times, 1U);
  EXPECT_EQ(dora.time_to_restore, Duration(hours(3)));
}

TEST(DeploymentsTest, SaysWhichLineIsWrong) {
  struct Row {
    const char* line;
    const char* error;
  };
  const Row rows[] = {
      {"{", "d.jsonl:2: "},
      {R"({"started":"2026-11-17T00:00:00Z","result":"succeeded"})", "\"finished\" is missing"},
      {R"({"started":"2026-11-17T00:00:00Z","finished":"2026-11-16T00:00:00Z","result":"failed"})",
       "finished before it started"},
      {R"({"started":"2026-11-17T00:00:00Z","finished":"2026-11-18T00:00:00Z","result":"ok"})",
       "one of succeeded, rolled_back, failed"}};
  for (const Row& row : rows) {
    const auto read = ReadDeployments("d.jsonl", std::string("\n") + row.line + "\n");
    ASSERT_FALSE(read.ok()) << row.line;
    EXPECT_THAT(read.error().message, HasSubstr(row.error));
  }
}

TEST(ReportCellsTest, AreWrittenForPeople) {
  struct Row {
    double number;
    ReportUnit unit;
    const char* text;
  };
  using enum ReportUnit;
  const Row rows[] = {
      {1234567, kCount, "1,234,567"}, {12.345, kCount, "12.35"},   {0.99963, kRatio, "99.963%"},
      {0.5, kRatio, "50%"},           {0, kRatio, "0%"},           {1, kRatio, "100%"},
      {-0.0012, kPoints, "-0.12 pp"}, {0.2121, kSeconds, "212ms"}, {1.5, kSeconds, "1.5s"},
      {7980, kSpan, "2h13m"},         {90, kSpan, "1m30s"},        {2.5e9, kBytes, "2.5GB"},
      {306, kPerHour, "306/h"},       {0.943, kScore, "0.943"}};
  for (const Row& row : rows) EXPECT_EQ(FormatReportNumber(row.number, row.unit), row.text);
  EXPECT_EQ(FormatReportTime(*ParseRfc3339("2026-11-16T07:05:09Z")), "Mon 16 Nov 2026, 07:05 UTC");
}

TEST(SvgChartTest, TicksAreRoundAndCoverTheValues) {
  EXPECT_THAT(ChartTicks(0, 0.93), ElementsAre(0, 0.25, 0.5, 0.75, 1));
  EXPECT_THAT(ChartTicks(0, 0), ElementsAre(0, 0.25, 0.5, 0.75, 1));
  for (const double high : {1e-9, 0.37, 4.0, 99.0, 123456.0}) {
    const std::vector<double> ticks = ChartTicks(-high / 7, high);
    EXPECT_LE(ticks.front(), -high / 7);
    EXPECT_GE(ticks.back(), high * (1 - 1e-9));
    EXPECT_LE(ticks.size(), 8U);
  }
}

TEST(SvgChartTest, AGapIsNotDrawnOverAndWhatIsShownIsSaidInWords) {
  ReportChart chart{.id = "c", .title = "T & <t>", .unit = ReportUnit::kCount, .step = hours(1)};
  ReportLine line{.name = "a", .points = {}};
  for (const int hour : {1, 2, 3, 9, 10}) {
    line.points.push_back({.at = kWeek.from + hours(hour), .value = static_cast<double>(hour)});
  }
  chart.lines = {line};
  const std::string svg = RenderSvgChart(chart, kWeek, {});
  const std::string path = svg.substr(svg.find("<path class=\"line"));
  EXPECT_EQ(std::ranges::count(path.substr(0, path.find("/>")), 'M'), 2);
  EXPECT_THAT(svg, HasSubstr("<title id=\"c-t\">T &amp; &lt;t&gt;</title>"));
  EXPECT_THAT(svg, HasSubstr("a: from 1 to 10, highest on Mon 16 Nov 2026, 10:00 UTC."));
  EXPECT_THAT(svg, HasSubstr("class=\"gap\""));
}

Report Small() {
  Report report{.title = "Wöchentlich", .source = "here", .period = kWeek};
  report.summary = {"All <well>."};
  ReportTable table{.id = "t", .title = "T", .columns = {{"a", "A"}, {"coverage", "B", true}}};
  table.rows = {{TextCell("=1+1, \"x\""), NumberCell(0.25, ReportUnit::kRatio)},
                {TextCell("<script>"), MissingCell("no | data")}};
  report.sections.push_back({.id = "s", .title = "S", .tables = {table}});
  return report;
}

TEST(ReportFormsTest, TextsOfOthersAreEscapedInEach) {
  EXPECT_THAT(RenderReportHtml(Small()), Not(HasSubstr("<script>")));
  EXPECT_THAT(RenderReportMailHtml(Small()), Not(HasSubstr("<script>")));
  EXPECT_THAT(RenderReportMarkdown(Small()), HasSubstr("no \\| data"));
  EXPECT_THAT(RenderReportCsv(Small()),
              HasSubstr("t,\"'=1+1, \"\"x\"\"\",coverage,,0.25,ratio,,\r\n"));
  const Result<JsonValue> json = JsonValue::Parse(RenderReportJson(Small()));
  ASSERT_TRUE(json.ok()) << json.error().message;
  EXPECT_TRUE(JsonValue::Parse(RenderReportSlack(Small())).ok());
}

TEST(ReportMailTest, IsTextHtmlAndTheAttachedPage) {
  const std::string mail = RenderReportMail(
      Small(), {.from = "a@example.org", .to = {"b@example.org", "c@example.org"}, .date = kEnd});
  EXPECT_THAT(mail, HasSubstr("To: b@example.org, c@example.org\r\n"));
  EXPECT_THAT(mail, HasSubstr("Subject: =?UTF-8?B?V8O2Y2hlbnRsaWNo"));
  EXPECT_THAT(mail, HasSubstr("Date: Mon, 23 Nov 2026 00:00:00 +0000\r\n"));
  EXPECT_THAT(mail, HasSubstr("Content-Disposition: attachment; filename=\"report.html\"\r\n"));
  for (size_t line = 0, end = 0; (end = mail.find("\r\n", line)) != std::string::npos;
       line = end + 2) {
    EXPECT_LE(end - line, 998U);
  }
  EXPECT_EQ(Base64Lines("Man"), "TWFu\r\n");
  EXPECT_EQ(Base64Lines("Ma"), "TWE=\r\n");
}

}  // namespace
}  // namespace tocsin::delivery
