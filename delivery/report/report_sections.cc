// The sections of a report; what they are made of is in report_run.cc.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "delivery/report/report_run.h"

namespace tocsin::delivery {
namespace {

constexpr size_t kRowsOfTables = 10;
constexpr size_t kRowsOfTimeline = 12;

ReportCell SpanCell(const std::optional<Duration>& span, std::string why) {
  return span ? NumberCell(ToSeconds(*span), ReportUnit::kSpan) : MissingCell(std::move(why));
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::vector<std::vector<ReportCell>> Pairs(
    std::initializer_list<std::pair<std::string, ReportCell>> pairs) {
  std::vector<std::vector<ReportCell>> rows;
  for (const auto& [title, cell] : pairs) rows.push_back({TextCell(title), cell});
  return rows;
}

// The highest figures first; of equal ones by name.
std::vector<std::pair<std::string, double>> Highest(const std::map<std::string, double>& all) {
  std::vector<std::pair<std::string, double>> rows(all.begin(), all.end());
  std::ranges::stable_sort(rows, std::greater<>(), &std::pair<std::string, double>::second);
  if (rows.size() > kRowsOfTables) rows.resize(kRowsOfTables);
  return rows;
}

ReportCell CellAt(const std::map<std::string, double>& all, const std::string& key, ReportUnit unit,
                  std::string why) {
  const auto found = all.find(key);
  return found == all.end() ? MissingCell(std::move(why)) : NumberCell(found->second, unit);
}

ReportCell GatesCell(const Deployment& deployment) {
  if (deployment.gates.empty()) return MissingCell("the record has no gates");
  return TextCell(fmt::format("{} of {}",
                              std::ranges::count_if(deployment.gates, &GateDecision::Passed),
                              deployment.gates.size()));
}

// Each gate that did not simply pass, with the check that decided.
ReportTable GateTable(const std::vector<Deployment>& deployments) {
  ReportTable table{.id = "gates", .title = "Gates that did not pass, or warned"};
  table.columns = {{"finished", "Finished"}, {"version", "Version"},      {"gate", "Gate"},
                   {"verdict", "Verdict"},   {"check", "Deciding check"}, {"why", "Why"}};
  size_t gates = 0;
  for (const Deployment& one : deployments) {
    for (const GateDecision& decision : one.gates) {
      ++gates;
      if (decision.verdict == "pass") continue;
      const auto text = [](const std::string& words) {
        return words.empty() ? MissingCell("the record does not say") : TextCell(words);
      };
      table.rows.push_back(
          {TextCell(FormatReportTime(one.finished)), TextCell(one.version), TextCell(decision.gate),
           TextCell(decision.verdict, decision.Passed() ? ReportTone::kSoft : ReportTone::kBad),
           text(decision.check), text(decision.why)});
    }
  }
  if (table.rows.empty()) {
    table.missing = gates == 0 ? "no deployment has a record of its gates"
                               : fmt::format("all {} gates passed", gates);
  }
  return table;
}

ReportChart Timeline(const std::vector<AlertEpisode>& episodes,
                     const std::vector<AlertSummary>& summaries) {
  ReportChart chart{.id = "alert_timeline", .title = "When alerts fired"};
  for (const AlertSummary& summary : summaries) {
    if (summary.heartbeat || chart.rows.size() == kRowsOfTimeline) continue;
    ReportBarRow row{
        .name = summary.name,
        .tone = summary.severity == "critical" ? ReportTone::kBad : ReportTone::kPlain};
    for (const AlertEpisode& episode : episodes) {
      if (episode.labels.Get("alertname") != summary.name) continue;
      if (episode.labels.Get("severity") != summary.severity) continue;
      row.bars.push_back({.from = episode.from, .to = episode.to});
    }
    chart.rows.push_back(std::move(row));
  }
  if (chart.rows.empty()) chart.missing = "no alert fired";
  return chart;
}

}  // namespace

std::string ReportRun::BadShare(std::string_view window) const {
  const FigureSpec& figure =
      *std::ranges::find(ReportFigures(), std::string_view("availability"), &FigureSpec::id);
  return "1 - (" + FillIn(figure.expr, {{"job", inputs_.job}, {"window", std::string(window)}}) +
         ")";
}

ReportSection ReportRun::ServiceSection() {
  ReportSection section{.id = "service", .title = "Service"};
  section.tables.push_back(FigureTable("service", "What users met"));
  for (const char* id : {"traffic", "errors", "latency"}) section.charts.push_back(Chart(id));
  return section;
}

ReportSection ReportRun::BusinessSection() {
  ReportSection section{.id = "business", .title = "Processing"};
  section.tables.push_back(FigureTable("business", "Videos"));
  section.charts.push_back(Chart("videos"));
  return section;
}

ReportSection ReportRun::ResourceSection() {
  ReportSection section{.id = "resources", .title = "Resources"};
  section.tables.push_back(FigureTable("resources", "What it took"));
  section.tables.push_back(QueueTable());
  for (const char* id : {"memory", "queue", "pool"}) section.charts.push_back(Chart(id));
  return section;
}

// How many times faster than even the budget is used up, hour by hour.
ReportChart ReportRun::BurnChart() {
  constexpr Duration kHour = std::chrono::hours(1);
  ReportChart chart{.id = "burn",
                    .title = "Use of the error budget (1 is its even use)",
                    .unit = ReportUnit::kScore,
                    .step = kHour,
                    .limit = 1.0,
                    .limit_name = "even use"};
  const auto answer = source_.QueryRange(
      "(" + BadShare("1h") + ") / " + fmt::format("{}", 1 - inputs_.slo_target),
      {.from = inputs_.period.from + kHour, .to = inputs_.period.to, .step = kHour});
  if (!answer.ok()) {
    chart.missing = answer.error().message;
  } else if (answer->empty()) {
    chart.missing = "there are no samples";
  } else {
    // In decimal, 1 - (1 - x) is not x: what is below any real error is none.
    chart.lines.push_back({.name = "burn rate", .points = answer->front().points});
    for (MetricPoint& point : chart.lines[0].points) {
      if (std::abs(point.value) < 1e-9) point.value = 0;
    }
  }
  return chart;
}

ReportSection ReportRun::SloSection() {
  ReportSection section{.id = "slo", .title = "Service level objective"};
  const ReportPeriod& period = inputs_.period;
  const ReportPeriod window{.from = period.to - inputs_.slo_window, .to = period.to};
  const double allowed = 1 - inputs_.slo_target;
  const std::string window_text = FormatPrometheusDuration(inputs_.slo_window);
  const double budget = allowed * ToSeconds(inputs_.slo_window);
  const Measured& availability = now_.at("availability");
  const Result<double> bad = Ask(BadShare(window_text), period.to);
  if (bad.ok()) budget_left_ = 1 - *bad / allowed;

  ReportChart burn = BurnChart();
  ReportTable table{.id = "slo", .title = "Error budget"};
  table.columns = {{"figure", "Figure"}, {"value", "Value", true}};
  const auto number = [](bool known, double value, ReportUnit unit, const std::string& why) {
    return known ? NumberCell(value, unit) : MissingCell(why);
  };
  const bool known = availability.value.has_value();
  const double used = known ? (1 - *availability.value) * ToSeconds(period.to - period.from) : 0;
  const std::string why_not = bad.ok() ? "" : bad.error().message;
  table.rows = Pairs({
      {"Target", NumberCell(inputs_.slo_target, ReportUnit::kRatio)},
      {"Availability in the period",
       number(known, known ? *availability.value : 0, ReportUnit::kRatio, availability.missing)},
      {"Budget of " + window_text, NumberCell(budget, ReportUnit::kSpan)},
      {"Used in the period", number(known, used, ReportUnit::kSpan, availability.missing)},
      {"Used in the period, of the budget",
       number(known, used / budget, ReportUnit::kRatio, availability.missing)},
      {"Left of the budget of " + window_text,
       number(budget_left_.has_value(), budget_left_.value_or(0), ReportUnit::kRatio, why_not)},
      {"Coverage of " + window_text,
       NumberCell(Coverage("http_requests_total{job=~\"${job}\"}", window), ReportUnit::kRatio)},
  });
  double worst = 0;
  double hours_over = 0;
  for (const ReportLine& line : burn.lines) {
    for (const MetricPoint& point : line.points) {
      worst = std::max(worst, point.value);
      hours_over += point.value > 1 ? 1 : 0;
    }
  }
  const bool drawn = !burn.lines.empty();
  const auto rows = Pairs({
      {"Hours that used more than their part",
       number(drawn, hours_over, ReportUnit::kCount, burn.missing)},
      {"Fastest use in one hour, times the even use",
       number(drawn, worst, ReportUnit::kScore, burn.missing)},
  });
  table.rows.insert(table.rows.end(), rows.begin(), rows.end());
  if (budget_left_ && *budget_left_ < 0) {
    table.rows[5][1].tone = ReportTone::kBad;
    section.notes.push_back("The error budget is used up.");
  }
  section.tables.push_back(std::move(table));
  section.charts.push_back(std::move(burn));
  return section;
}

ReportTable ReportRun::AlertTable(const std::vector<AlertSummary>& now,
                                  const std::vector<AlertSummary>& before) const {
  ReportTable table{.id = "alerts", .title = "Alerts, the most frequent first"};
  table.columns = {{"alert", "Alert"},
                   {"severity", "Severity"},
                   {"fired", "Fired", true},
                   {"firing", "Time firing", true},
                   {"longest", "Longest", true},
                   {"to_resolve", "To resolve", true},
                   {"to_acknowledge", "To acknowledge", true},
                   {"firing_now", "Firing now", true},
                   {"fired_before", "Before", true}};
  for (const AlertSummary& alert : now) {
    if (alert.heartbeat) continue;
    const auto earlier = std::ranges::find_if(before, [&](const AlertSummary& other) {
      return other.name == alert.name && other.severity == alert.severity;
    });
    table.rows.push_back(
        {TextCell(alert.name), TextCell(alert.severity),
         NumberCell(static_cast<double>(alert.fired), ReportUnit::kCount),
         NumberCell(ToSeconds(alert.firing), ReportUnit::kSpan),
         NumberCell(ToSeconds(alert.longest), ReportUnit::kSpan),
         SpanCell(alert.to_resolve, "none began and ended in the period"),
         SpanCell(alert.to_acknowledge,
                  inputs_.silences.ok() ? "nobody silenced it" : inputs_.silences.error().message),
         NumberCell(static_cast<double>(alert.firing_now), ReportUnit::kCount),
         NumberCell(earlier == before.end() ? 0 : static_cast<double>(earlier->fired),
                    ReportUnit::kCount)});
  }
  if (table.rows.empty()) table.missing = "no alert fired";
  return table;
}

ReportSection ReportRun::AlertSection() {
  ReportSection section{.id = "alerts", .title = "Alerts"};
  const double coverage = Coverage("{__name__=~\"ALERTS|up\"}", inputs_.period);
  const auto episodes = FindEpisodes(source_, inputs_.period);
  if (!episodes.ok() || coverage == 0) {
    alerts_missing_ = episodes.ok() ? "no series ALERTS and none up" : episodes.error().message;
    section.tables.push_back({.id = "alerts", .title = "Alerts", .missing = alerts_missing_});
    return section;
  }
  const std::vector<Silence>* silences = inputs_.silences.ok() ? &*inputs_.silences : nullptr;
  alerts_ = SummarizeAlerts(*episodes, silences, inputs_.period);
  std::vector<AlertSummary> before;
  if (inputs_.before) {
    const auto earlier = FindEpisodes(source_, *inputs_.before);
    if (earlier.ok()) before = SummarizeAlerts(*earlier, silences, *inputs_.before);
  }
  section.tables.push_back(AlertTable(alerts_, before));
  section.charts.push_back(Timeline(*episodes, alerts_));

  std::vector<std::string> heartbeats;
  std::set<std::string> seen;
  for (const AlertSummary& alert : alerts_) {
    seen.insert(alert.name);
    if (alert.heartbeat) heartbeats.push_back(alert.name);
  }
  if (!heartbeats.empty()) {
    section.notes.push_back("Always on, to show that alerting works: " + Joined(heartbeats) + ".");
  }
  if (!inputs_.alert_rules.ok()) {
    section.notes.push_back(
        "Which alerts never fired is n/a: " + inputs_.alert_rules.error().message + ".");
    return section;
  }
  std::set<std::string> quiet(inputs_.alert_rules->begin(), inputs_.alert_rules->end());
  const size_t all = quiet.size();
  std::erase_if(quiet, [&](const std::string& name) { return seen.contains(name); });
  section.notes.push_back(fmt::format("{} of {} alert rules did not fire{}{}.", quiet.size(), all,
                                      quiet.empty() ? "" : ": ",
                                      Joined({quiet.begin(), quiet.end()})));
  return section;
}

ReportSection ReportRun::DeploymentSection() {
  ReportSection section{.id = "deployments", .title = "Deployments"};
  if (!inputs_.deployments.ok()) {
    section.tables.push_back({.id = "deployments",
                              .title = "Deployments",
                              .missing = inputs_.deployments.error().message});
    return section;
  }
  const std::vector<Deployment> all = DeploymentsIn(*inputs_.deployments, inputs_.period);
  ReportTable list{.id = "deployments", .title = "Deployments of the period"};
  list.columns = {{"finished", "Finished"},
                  {"version", "Version"},
                  {"color", "Color"},
                  {"result", "Result"},
                  {"gates", "Gates passed"},
                  {"took", "Took", true},
                  {"lead_time", "Lead time", true},
                  {"reason", "Reason"}};
  for (const Deployment& one : all) {
    std::optional<Duration> lead;
    if (one.committed && one.Succeeded()) lead = one.finished - *one.committed;
    list.rows.push_back(
        {TextCell(FormatReportTime(one.finished)), TextCell(one.version), TextCell(one.color),
         TextCell(one.result, one.Succeeded() ? ReportTone::kGood : ReportTone::kBad),
         GatesCell(one), NumberCell(ToSeconds(one.finished - one.started), ReportUnit::kSpan),
         SpanCell(lead, one.Succeeded() ? "the commit's time is not recorded" : "it did not last"),
         TextCell(one.reason)});
  }
  if (list.rows.empty()) list.missing = "there was none";

  ReportTable dora{.id = "dora", .title = "Delivery (DORA)"};
  dora.columns = {{"figure", "Figure"}, {"value", "This period", true}, {"before", "Before", true}};
  const DoraFigures now = ComputeDora(*inputs_.deployments, inputs_.period);
  const std::optional<DoraFigures> before =
      inputs_.before ? std::optional(ComputeDora(*inputs_.deployments, *inputs_.before))
                     : std::nullopt;
  const auto row = [&](std::string title, const auto& cell) {
    dora.rows.push_back({TextCell(std::move(title)), cell(now),
                         before ? cell(*before) : MissingCell("nothing to compare with")});
  };
  row("Deployments", [](const DoraFigures& figures) {
    return NumberCell(static_cast<double>(figures.deployments), ReportUnit::kCount);
  });
  row("Lead time, median", [](const DoraFigures& figures) {
    return SpanCell(figures.lead_time, "no version that lasted has the time of its commit");
  });
  row("Change failure rate", [](const DoraFigures& figures) {
    if (figures.deployments == 0) return MissingCell("there was no deployment");
    return NumberCell(
        static_cast<double>(figures.failures) / static_cast<double>(figures.deployments),
        ReportUnit::kRatio);
  });
  row("Time to restore, median", [](const DoraFigures& figures) {
    return SpanCell(figures.time_to_restore,
                    figures.failures == 0 ? "nothing failed" : "not restored yet");
  });
  section.tables.push_back(std::move(dora));
  section.tables.push_back(std::move(list));
  if (!all.empty()) section.tables.push_back(GateTable(all));
  return section;
}

std::map<std::string, double> ReportRun::ByLabel(const std::string& expr, std::string_view label,
                                                 Timestamp at, std::string& missing) {
  std::map<std::string, double> values;
  const auto answer = source_.Query(expr, at);
  if (!answer.ok()) {
    missing = answer.error().message;
    return values;
  }
  for (const MetricSample& sample : *answer) {
    if (!std::isfinite(sample.value)) continue;
    values.emplace(sample.labels.Get(label), sample.value);
  }
  return values;
}

ReportTable ReportRun::EndpointTable() {
  ReportTable table{.id = "endpoints", .title = "Slowest endpoints"};
  table.columns = {{"endpoint", "Endpoint"},        {"p95", "95th percentile", true},
                   {"p95_before", "Before", true},  {"requests", "Requests", true},
                   {"error_ratio", "Failed", true}, {"time_share", "Share of all time", true}};
  const ReportPeriod& period = inputs_.period;
  const auto ask = [&](std::string_view expr, const ReportPeriod& when) {
    return ByLabel(FillIn(expr, Variables(when, std::chrono::hours(1))), "endpoint", when.to,
                   table.missing);
  };
  constexpr std::string_view kP95 =
      "histogram_quantile(0.95, sum by (endpoint, le) "
      "(increase(http_server_request_duration_seconds_bucket{job=~\"${job}\"}[${window}])))";
  constexpr std::string_view kRequests =
      "sum by (endpoint) (increase(http_requests_total{job=~\"${job}\"}[${window}]))";
  constexpr std::string_view kErrors =
      "sum by (endpoint) "
      "(increase(http_requests_total{job=~\"${job}\",status=~\"5..\"}[${window}]))";
  constexpr std::string_view kTime =
      "sum by (endpoint) "
      "(increase(http_server_request_duration_seconds_sum{job=~\"${job}\"}[${window}]))";
  const auto p95 = ask(kP95, period);
  const auto before = inputs_.before ? ask(kP95, *inputs_.before) : std::map<std::string, double>();
  const auto requests = ask(kRequests, period);
  const auto errors = ask(kErrors, period);
  const auto time = ask(kTime, period);
  double all_time = 0;
  for (const auto& [endpoint, seconds] : time) all_time += seconds;
  for (const auto& [endpoint, seconds] : Highest(p95)) {
    const auto count = requests.find(endpoint);
    const auto failed = errors.find(endpoint);
    const double failures = failed == errors.end() ? 0 : failed->second;
    const bool counted = count != requests.end() && count->second > 0;
    const auto spent = time.find(endpoint);
    const bool shared = spent != time.end() && all_time > 0;
    table.rows.push_back(
        {TextCell(endpoint), NumberCell(seconds, ReportUnit::kSeconds),
         CellAt(before, endpoint, ReportUnit::kSeconds, "no requests before"),
         CellAt(requests, endpoint, ReportUnit::kCount, "not in http_requests_total"),
         counted ? NumberCell(failures / count->second, ReportUnit::kRatio)
                 : MissingCell("not in http_requests_total"),
         shared ? NumberCell(spent->second / all_time, ReportUnit::kRatio)
                : MissingCell("no time was counted")});
  }
  if (!table.rows.empty()) table.missing.clear();
  if (table.rows.empty() && table.missing.empty()) {
    table.missing = "no series http_server_request_duration_seconds_bucket with a label endpoint";
  }
  return table;
}

ReportTable ReportRun::StatementTable() {
  ReportTable table{.id = "statements", .title = "Database statements that took most of the time"};
  table.columns = {{"queryid", "Statement"},
                   {"seconds", "Time", true},
                   {"calls", "Calls", true},
                   {"mean", "Mean", true}};
  const auto ask = [&](std::string_view metric) {
    return ByLabel(fmt::format("sum by (queryid) (increase({}[{}]))", metric,
                               FormatPrometheusDuration(inputs_.period.to - inputs_.period.from)),
                   "queryid", inputs_.period.to, table.missing);
  };
  const auto seconds = ask("pg_stat_statements_seconds_total");
  const auto calls = ask("pg_stat_statements_calls_total");
  for (const auto& [id, spent] : Highest(seconds)) {
    const auto called = calls.find(id);
    const bool counted = called != calls.end() && called->second > 0;
    table.rows.push_back({TextCell(id), NumberCell(spent, ReportUnit::kSpan),
                          CellAt(calls, id, ReportUnit::kCount, "not counted"),
                          counted ? NumberCell(spent / called->second, ReportUnit::kSeconds)
                                  : MissingCell("no calls were counted")});
  }
  if (!table.rows.empty()) table.missing.clear();
  if (table.rows.empty() && table.missing.empty()) {
    table.missing = "no series pg_stat_statements_seconds_total";
  }
  return table;
}

ReportSection ReportRun::EndpointSection() {
  ReportSection section{.id = "slow", .title = "What is slow"};
  section.tables.push_back(EndpointTable());
  section.tables.push_back(StatementTable());
  return section;
}

// The peak, and the hour in which it was.
ReportTable ReportRun::QueueTable() {
  ReportTable table{.id = "queues", .title = "Queues at their longest"};
  table.columns = {{"queue", "Queue"},
                   {"peak", "Peak", true},
                   {"in_hour_until", "In the hour until"},
                   {"mean", "Mean", true},
                   {"peak_before", "Peak before", true}};
  const auto ask = [&](std::string_view expr, const ReportPeriod& when) {
    return ByLabel(FillIn(expr, Variables(when, std::chrono::hours(1))), "queue_name", when.to,
                   table.missing);
  };
  constexpr std::string_view kPeak =
      "max by (queue_name) (max_over_time(celery_queue_length[${window}]))";
  const auto peaks = ask(kPeak, inputs_.period);
  const auto means =
      ask("max by (queue_name) (avg_over_time(celery_queue_length[${window}]))", inputs_.period);
  const auto before =
      inputs_.before ? ask(kPeak, *inputs_.before) : std::map<std::string, double>();
  const ReportChart hours = Chart("queue");
  for (const auto& [queue, peak] : Highest(peaks)) {
    ReportCell when = MissingCell("no hour has it");
    for (const ReportLine& line : hours.lines) {
      if (line.name != queue) continue;
      const auto highest = std::ranges::max_element(line.points, {}, &MetricPoint::value);
      if (highest != line.points.end()) when = TextCell(FormatReportTime(highest->at));
    }
    table.rows.push_back({TextCell(queue), NumberCell(peak, ReportUnit::kCount), when,
                          CellAt(means, queue, ReportUnit::kScore, "no samples"),
                          CellAt(before, queue, ReportUnit::kCount, "not there before")});
  }
  if (!table.rows.empty()) table.missing.clear();
  if (table.rows.empty() && table.missing.empty()) table.missing = "no series celery_queue_length";
  return table;
}

ReportSection ReportRun::DataSection() {
  ReportSection section{.id = "data", .title = "Where the figures come from"};
  section.notes.push_back(
      "Coverage is the share of the period, looked at every five minutes, in which there were "
      "samples. A change is called better or worse when the period before is covered for at least "
      "half; a change of a share, when two standard deviations speak for it.");
  ReportTable table{.id = "queries", .title = "Questions"};
  table.columns = {{"figure", "Figure"}, {"query", "Query"}};
  const auto variables = Variables(inputs_.period, std::chrono::hours(1));
  for (const FigureSpec& figure : ReportFigures()) {
    const auto replaced = inputs_.queries.find(std::string(figure.id));
    const std::string_view expr =
        replaced == inputs_.queries.end() ? figure.expr : std::string_view(replaced->second);
    table.rows.push_back({TextCell(std::string(figure.id)), TextCell(FillIn(expr, variables))});
  }
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace tocsin::delivery
