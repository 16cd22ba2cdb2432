// Asks a source for the figures of a period and puts the report together.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "delivery/metric_source.h"
#include "delivery/report/deployments.h"
#include "delivery/report/report.h"
#include "delivery/report/report_alerts.h"
#include "delivery/report/report_figures.h"

namespace tocsin::delivery {

struct ReportInputs {
  std::string title = "Weekly report";
  std::string source;  // how the source is called in the report
  ReportPeriod period;
  std::optional<ReportPeriod> before;
  std::string job = "ai-validation-app";  // a regular expression
  double slo_target = 0.999;
  Duration slo_window = std::chrono::hours(24 * 30);
  // Expressions that replace those of ReportFigures(), by id.
  std::map<std::string, std::string> queries;
  // Each as it was had, or the reason why it was not.
  Result<std::vector<Deployment>> deployments = NotFound("no records of deployments were given");
  Result<std::vector<std::string>> alert_rules = NotFound("no list of alert rules was given");
  Result<std::vector<Silence>> silences = NotFound("no Alertmanager was given");
};

// A figure of one period.
struct Measured {
  std::optional<double> value;
  std::string missing;  // why there is none
  double coverage = 0;  // the share of the period for which there is data
  std::optional<double> count;
};

class ReportRun {
 public:
  // `source` outlives the run.
  ReportRun(ReportInputs inputs, MetricSource& source);

  // kUnavailable and kTimeout: the source cannot be asked at all. Whatever fails later is missing
  // in the report, with the reason.
  Result<Report> Run();

 private:
  using Cells = std::vector<ReportCell>;

  Measured Measure(const FigureSpec& figure, const ReportPeriod& period);
  double Coverage(std::string_view present, const ReportPeriod& period);
  // The only value of an expression.
  Result<double> Ask(const std::string& expr, Timestamp at);
  std::map<std::string, std::string> Variables(const ReportPeriod& period, Duration step) const;
  ReportCell Change(const FigureSpec& figure, const Measured& now, const Measured& before) const;
  ReportTable FigureTable(std::string_view group, std::string title);
  ReportChart Chart(std::string_view id);

  ReportSection ServiceSection();
  ReportSection SloSection();
  ReportSection AlertSection();
  ReportSection DeploymentSection();
  ReportSection EndpointSection();
  ReportSection ResourceSection();
  ReportSection BusinessSection();
  ReportSection DataSection();

  std::string BadShare(std::string_view window) const;
  ReportChart BurnChart();
  ReportTable AlertTable(const std::vector<AlertSummary>& now,
                         const std::vector<AlertSummary>& before) const;
  ReportTable EndpointTable();
  ReportTable QueueTable();
  ReportTable StatementTable();
  std::map<std::string, double> ByLabel(const std::string& expr, std::string_view label,
                                        Timestamp at, std::string& missing);
  void Summarize(Report& report) const;
  ReportTile Tile(std::string_view id) const;
  std::vector<ReportTile> Tiles() const;

  const ReportInputs inputs_;
  MetricSource& source_;
  std::map<std::string, double> coverage_;  // by question and time
  std::map<std::string, Measured> now_;     // by figure
  std::map<std::string, Measured> before_;
  // What the sections leave for the summary.
  std::optional<double> budget_left_;
  std::vector<AlertSummary> alerts_;
  std::string alerts_missing_;
};

}  // namespace tocsin::delivery
