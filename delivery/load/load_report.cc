#include "delivery/load/load_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/quantity.h"

namespace tocsin::delivery {
namespace {

constexpr double kQuantiles[] = {0.5, 0.9, 0.95, 0.99, 0.999};

double Seconds(LatencyHistogram::Latency latency) {
  return std::chrono::duration<double>(latency).count();
}

std::string Span(LatencyHistogram::Latency latency) { return FormatSpan(Seconds(latency)); }

void Add(StepStatistics& to, const StepStatistics& from) {
  to.requests += from.requests;
  to.failed += from.failed;
  to.reconnects += from.reconnects;
  to.latency.Merge(from.latency);
  for (const auto& [problem, count] : from.problems) to.problems[problem] += count;
}

std::string StepLine(const std::string& name, const StepStatistics& step) {
  return fmt::format("  {:<40} {:>8} {:>7} {:>9} {:>9} {:>9} {:>9}\n", name, step.requests,
                     step.failed, Span(step.latency.Quantile(0.5)),
                     Span(step.latency.Quantile(0.95)), Span(step.latency.Quantile(0.99)),
                     Span(step.latency.Max()));
}

void WriteLatency(JsonWriter& json, const LatencyHistogram& latency) {
  json.Key("latency_seconds").BeginObject();
  json.Field("min", Seconds(latency.Min())).Field("mean", Seconds(latency.Mean()));
  for (const double quantile : kQuantiles) {
    json.Field(
        fmt::format("p{}", FormatRatio(quantile).substr(0, FormatRatio(quantile).size() - 1)),
        Seconds(latency.Quantile(quantile)));
  }
  json.Field("max", Seconds(latency.Max())).EndObject();
}

void WriteSteps(JsonWriter& json, const LoadReport& report) {
  json.Key("steps").BeginArray();
  for (const auto& [name, step] : report.steps) {
    json.BeginObject().Field("name", name).Field("requests", step.requests);
    json.Field("failed", step.failed).Field("reconnects", step.reconnects);
    WriteLatency(json, step.latency);
    json.Key("problems").BeginObject();
    for (const auto& [problem, count] : step.problems) json.Field(problem, count);
    json.EndObject().EndObject();
  }
  json.EndArray();
}

void WriteSeconds(JsonWriter& json, const LoadReport& report) {
  json.Key("per_second").BeginArray();
  for (const LoadSecond& second : report.seconds) {
    json.BeginObject().Field("started", second.started).Field("succeeded", second.succeeded);
    json.Field("failed", second.failed).Field("slowest_seconds", Seconds(second.slowest));
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

void LoadReport::Merge(const LoadReport& other) {
  started += other.started;
  succeeded += other.succeeded;
  failed += other.failed;
  late += other.late;
  reconnects += other.reconnects;
  latency.Merge(other.latency);
  for (const auto& [name, step] : other.steps) Add(steps[name], step);
  seconds.resize(std::max(seconds.size(), other.seconds.size()));
  for (size_t i = 0; i < other.seconds.size(); ++i) {
    seconds[i].started += other.seconds[i].started;
    seconds[i].succeeded += other.seconds[i].succeeded;
    seconds[i].failed += other.seconds[i].failed;
    seconds[i].slowest = std::max(seconds[i].slowest, other.seconds[i].slowest);
  }
}

std::string RenderLoadText(const LoadReport& report) {
  std::string text =
      fmt::format("{} journeys in {}, {:.1f}/s: {} succeeded, {} failed ({} success)\n",
                  report.started, FormatSpan(ToSeconds(report.took)),
                  static_cast<double>(report.started) / std::max(ToSeconds(report.took), 0.001),
                  report.succeeded, report.failed, FormatRatio(report.success_ratio()));
  text +=
      fmt::format("latency from the intended send time: p50 {}, p95 {}, p99 {}, p99.9 {}, max {}\n",
                  Span(report.latency.Quantile(0.5)), Span(report.latency.Quantile(0.95)),
                  Span(report.latency.Quantile(0.99)), Span(report.latency.Quantile(0.999)),
                  Span(report.latency.Max()));
  text += fmt::format("{} journeys began late, {} reconnects\n", report.late, report.reconnects);
  text += fmt::format("\n  {:<40} {:>8} {:>7} {:>9} {:>9} {:>9} {:>9}\n", "step", "requests",
                      "failed", "p50", "p95", "p99", "max");
  for (const auto& [name, step] : report.steps) text += StepLine(name, step);
  for (const auto& [name, step] : report.steps) {
    for (const auto& [problem, count] : step.problems) {
      text += fmt::format("  {} × {}: {}\n", count, name, problem);
    }
  }
  if (report.aborted) {
    text += report.planned > 0
                ? fmt::format("ended early: of {} planned journeys too many have failed\n",
                              report.planned)
                : "ended early: too many have failed, whatever comes\n";
  }
  if (!report.setup_problem.empty()) text += "no load: " + report.setup_problem + "\n";
  if (report.interrupted) text += "interrupted\n";
  return text;
}

std::string RenderLoadJson(const LoadReport& report) {
  JsonWriter json;
  json.BeginObject().Field("began", FormatRfc3339(report.began));
  json.Field("took_seconds", ToSeconds(report.took)).Field("planned", report.planned);
  json.Field("started", report.started).Field("succeeded", report.succeeded);
  json.Field("failed", report.failed).Field("success_ratio", report.success_ratio());
  json.Field("late", report.late).Field("reconnects", report.reconnects);
  json.Field("aborted", report.aborted).Field("interrupted", report.interrupted);
  json.Field("setup_problem", report.setup_problem);
  WriteLatency(json, report.latency);
  WriteSteps(json, report);
  WriteSeconds(json, report);
  json.EndObject();
  return json.Take();
}

}  // namespace tocsin::delivery
