#include "delivery/report/report_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/go_float.h"

namespace tocsin::delivery {
namespace {

// A period that is covered for less than this is nothing to compare with.
constexpr double kEnoughCoverage = 0.5;
// Two standard deviations: a difference of shares below that may be chance.
constexpr double kChance = 1.96;
// Sums of periods that are covered so differently cannot be compared.
constexpr double kOtherCoverage = 0.05;
// Smaller changes are not called better or worse.
constexpr double kNotable = 0.02;

double SharesDifferBy(const Measured& now, const Measured& before) {
  const double n1 = *now.count;
  const double n2 = *before.count;
  const double pooled = (*now.value * n1 + *before.value * n2) / (n1 + n2);
  const double deviation = std::sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2));
  return deviation > 0 ? std::abs(*now.value - *before.value) / deviation : 0;
}

bool MayBeChance(const Measured& now, const Measured& before) {
  return now.count && before.count && *now.count > 0 && *before.count > 0 &&
         SharesDifferBy(now, before) < kChance;
}

ReportTone ToneOf(Better better, double change) {
  if (better == Better::kNeither) return ReportTone::kPlain;
  return (change > 0) == (better == Better::kHigher) ? ReportTone::kGood : ReportTone::kBad;
}

bool IsShare(ReportUnit unit) { return unit == ReportUnit::kRatio; }

const FigureSpec& FigureOf(std::string_view id) {
  return *std::ranges::find(ReportFigures(), id, &FigureSpec::id);
}

std::string Percent(double ratio) { return FormatReportNumber(ratio, ReportUnit::kRatio); }

}  // namespace

ReportRun::ReportRun(ReportInputs inputs, MetricSource& source)
    : inputs_(std::move(inputs)), source_(source) {}

std::map<std::string, std::string> ReportRun::Variables(const ReportPeriod& period,
                                                        Duration step) const {
  const Duration length = period.to - period.from;
  return {{"job", inputs_.job},
          {"window", FormatPrometheusDuration(length)},
          {"hours", FormatGoF(ToSeconds(length) / 3600)},
          {"step", FormatPrometheusDuration(step)},
          {"step_seconds", FormatGoF(ToSeconds(step))}};
}

Result<double> ReportRun::Ask(const std::string& expr, Timestamp at) {
  ASSIGN_OR_RETURN(const std::vector<MetricSample> answer, source_.Query(expr, at));
  if (answer.empty()) return NotFound("nothing to compute it from");
  if (answer.size() > 1) {
    return ExecutionError(fmt::format("{} series where one is meant", answer.size()));
  }
  if (!std::isfinite(answer.front().value)) return NotFound("nothing was counted");
  return answer.front().value;
}

// Looks at the period in steps of five minutes; shorter ones for a period of less than a day.
double ReportRun::Coverage(std::string_view present, const ReportPeriod& period) {
  const Duration length = period.to - period.from;
  const Duration step =
      length >= std::chrono::hours(24) ? std::chrono::minutes(5) : std::chrono::minutes(1);
  const std::string expr =
      fmt::format("count_over_time(count({})[{}:{}])", FillIn(present, Variables(period, step)),
                  FormatPrometheusDuration(length), FormatPrometheusDuration(step));
  const std::string key = expr + FormatRfc3339(period.to);
  const auto known = coverage_.find(key);
  if (known != coverage_.end()) return known->second;
  const Result<double> seen = Ask(expr, period.to);
  const double steps = ToSeconds(length) / ToSeconds(step);
  const double coverage = seen.ok() ? std::clamp(*seen / steps, 0.0, 1.0) : 0;
  coverage_.emplace(key, coverage);
  return coverage;
}

Measured ReportRun::Measure(const FigureSpec& figure, const ReportPeriod& period) {
  const auto variables = Variables(period, std::chrono::hours(1));
  const auto replaced = inputs_.queries.find(std::string(figure.id));
  const std::string expr = replaced == inputs_.queries.end() ? FillIn(figure.expr, variables)
                                                             : FillIn(replaced->second, variables);
  Measured measured;
  const Result<double> value = Ask(expr, period.to);
  measured.coverage = Coverage(figure.present, period);
  if (!value.ok()) {
    const bool absent = measured.coverage == 0 && value.error().code == ErrorCode::kNotFound;
    measured.missing =
        absent ? "no series " + FillIn(figure.present, variables) : value.error().message;
    return measured;
  }
  measured.value = *value;
  if (figure.count.empty()) return measured;
  const Result<double> count = Ask(FillIn(figure.count, variables), period.to);
  if (count.ok()) measured.count = *count;
  return measured;
}

ReportCell ReportRun::Change(const FigureSpec& figure, const Measured& now,
                             const Measured& before) const {
  if (!now.value) return MissingCell(now.missing);
  if (!before.value) return MissingCell("before: " + before.missing);
  if (before.coverage < kEnoughCoverage) {
    return MissingCell("the period before is covered for " + Percent(before.coverage) + " only");
  }
  const double difference = *now.value - *before.value;
  ReportCell cell;
  if (IsShare(figure.unit)) {
    cell = NumberCell(difference, ReportUnit::kPoints);
  } else if (*before.value == 0) {
    if (difference != 0) return MissingCell("it was 0 before");
    cell = NumberCell(0, ReportUnit::kRatio);
  } else {
    cell = NumberCell(difference / std::abs(*before.value), ReportUnit::kRatio);
  }
  cell.signed_number = true;
  const bool notable = IsShare(figure.unit) ? difference != 0 : std::abs(*cell.number) >= kNotable;
  const bool sum = figure.unit == ReportUnit::kCount || figure.unit == ReportUnit::kPerHour;
  const bool comparable = !sum || std::abs(now.coverage - before.coverage) <= kOtherCoverage;
  if (notable && comparable && !MayBeChance(now, before))
    cell.tone = ToneOf(figure.better, difference);
  return cell;
}

ReportTable ReportRun::FigureTable(std::string_view group, std::string title) {
  ReportTable table{.id = std::string(group), .title = std::move(title)};
  table.columns = {{"figure", "Figure"},           {"value", "This period", true},
                   {"before", "Before", true},     {"change", "Change", true},
                   {"coverage", "Coverage", true}, {"note", "Note"}};
  for (const FigureSpec& figure : ReportFigures()) {
    if (figure.group != group) continue;
    const Measured now = Measure(figure, inputs_.period);
    const Measured before = inputs_.before
                                ? Measure(figure, *inputs_.before)
                                : Measured{.value = {}, .missing = "nothing to compare with"};
    std::string note;
    if (!now.value) note = now.missing;
    if (now.value && now.count) note = "n = " + FormatReportNumber(*now.count, ReportUnit::kCount);
    if (now.value && before.value && MayBeChance(now, before)) note += "; the change may be chance";
    if (before.value && now.coverage - before.coverage > kOtherCoverage) {
      note += (note.empty() ? "before: " : "; before: ") + Percent(before.coverage) + " covered";
    }
    const auto cell = [&](const Measured& one) {
      return one.value ? NumberCell(*one.value, figure.unit) : MissingCell(one.missing);
    };
    table.rows.push_back({TextCell(std::string(figure.title)), cell(now), cell(before),
                          Change(figure, now, before), NumberCell(now.coverage, ReportUnit::kRatio),
                          TextCell(note)});
    now_.insert_or_assign(std::string(figure.id), now);
    before_.insert_or_assign(std::string(figure.id), before);
  }
  return table;
}

ReportChart ReportRun::Chart(std::string_view id) {
  const Duration length = inputs_.period.to - inputs_.period.from;
  const Duration step =
      length >= std::chrono::hours(24) ? Duration(std::chrono::hours(1)) : std::chrono::minutes(5);
  ReportChart chart{.id = std::string(id), .step = step};
  const auto variables = Variables(inputs_.period, step);
  for (const SeriesSpec& spec : ReportSeries()) {
    if (spec.chart != id) continue;
    if (!spec.title.empty()) chart.title = spec.title;
    chart.unit = spec.unit;
    const auto answer = source_.QueryRange(
        FillIn(spec.expr, variables),
        {.from = inputs_.period.from + step, .to = inputs_.period.to, .step = step});
    if (!answer.ok()) {
      chart.missing = answer.error().message;
      continue;
    }
    for (const MetricSeries& series : *answer) {
      ReportLine line{.name = std::string(spec.by.empty() ? spec.line : series.labels.Get(spec.by)),
                      .points = series.points};
      std::erase_if(line.points,
                    [](const MetricPoint& point) { return !std::isfinite(point.value); });
      if (!line.points.empty()) chart.lines.push_back(std::move(line));
    }
  }
  if (!chart.lines.empty()) chart.missing.clear();
  if (chart.lines.empty() && chart.missing.empty()) chart.missing = "there are no samples";
  // Lines of labels in a stable order, whatever order the source has.
  const bool named = std::ranges::any_of(
      ReportSeries(), [&](const SeriesSpec& spec) { return spec.chart == id && !spec.by.empty(); });
  if (named) std::ranges::stable_sort(chart.lines, {}, &ReportLine::name);
  return chart;
}

ReportTile ReportRun::Tile(std::string_view id) const {
  const FigureSpec& figure = FigureOf(id);
  const Measured& now = now_.at(std::string(id));
  const Measured& before = before_.at(std::string(id));
  ReportTile tile{.title = std::string(figure.title)};
  tile.value = now.value ? NumberCell(*now.value, figure.unit) : MissingCell(now.missing);
  tile.change = Change(figure, now, before);
  if (now.value && now.coverage < 0.99) tile.note = Percent(now.coverage) + " covered";
  if (!now.value) tile.note = now.missing;
  return tile;
}

std::vector<ReportTile> ReportRun::Tiles() const {
  std::vector<ReportTile> tiles = {Tile("availability")};
  ReportTile budget{.title = "Error budget left"};
  budget.value = budget_left_ ? NumberCell(*budget_left_, ReportUnit::kRatio)
                              : MissingCell("availability is not known");
  budget.note =
      budget_left_ ? "of " + FormatPrometheusDuration(inputs_.slo_window) : budget.value.missing;
  tiles.push_back(std::move(budget));
  for (const char* id : {"requests", "error_ratio", "latency_p95", "apdex", "videos_per_hour",
                         "memory_peak", "queue_peak"}) {
    tiles.push_back(Tile(id));
  }
  ReportTile alerts{.title = "Alerts that fired"};
  double fired = 0;
  Duration firing{};
  for (const AlertSummary& alert : alerts_) {
    if (alert.heartbeat) continue;
    fired += static_cast<double>(alert.fired);
    firing += alert.firing;
  }
  alerts.value = alerts_missing_.empty() ? NumberCell(fired, ReportUnit::kCount)
                                         : MissingCell(alerts_missing_);
  alerts.note = alerts_missing_.empty()
                    ? FormatReportNumber(ToSeconds(firing), ReportUnit::kSpan) + " in all"
                    : alerts_missing_;
  tiles.push_back(std::move(alerts));
  ReportTile deployments{.title = "Deployments"};
  if (inputs_.deployments.ok()) {
    const DoraFigures dora = ComputeDora(*inputs_.deployments, inputs_.period);
    deployments.value = NumberCell(static_cast<double>(dora.deployments), ReportUnit::kCount);
    deployments.note = fmt::format("{} did not last", dora.failures);
  } else {
    deployments.value = MissingCell(inputs_.deployments.error().message);
    deployments.note = deployments.value.missing;
  }
  tiles.push_back(std::move(deployments));
  return tiles;
}

void ReportRun::Summarize(Report& report) const {
  const Measured& availability = now_.at("availability");
  std::string sentence =
      availability.value ? fmt::format("Availability was {} (target {}",
                                       Percent(*availability.value), Percent(inputs_.slo_target))
                         : "Availability is not known: " + availability.missing + " (target " +
                               Percent(inputs_.slo_target);
  const std::string window = FormatPrometheusDuration(inputs_.slo_window);
  if (!budget_left_) {
    sentence += ").";
  } else if (*budget_left_ < 0) {
    sentence += fmt::format("); the error budget of {} is used up, {} of it.", window,
                            Percent(1 - *budget_left_));
  } else {
    sentence +=
        fmt::format("); {} of the error budget of {} is left.", Percent(*budget_left_), window);
  }
  report.summary.push_back(std::move(sentence));
  if (!alerts_missing_.empty()) {
    report.summary.push_back("What alerts did is not known: " + alerts_missing_ + ".");
  } else {
    size_t fired = 0;
    size_t names = 0;
    const AlertSummary* noisiest = nullptr;
    for (const AlertSummary& alert : alerts_) {
      if (alert.heartbeat || alert.fired == 0) continue;
      fired += alert.fired;
      ++names;
      if (noisiest == nullptr) noisiest = &alert;
    }
    report.summary.push_back(noisiest == nullptr
                                 ? "No alert fired."
                                 : fmt::format("{} alerts fired {} times; most often {}, {} times.",
                                               names, fired, noisiest->name, noisiest->fired));
  }
  if (inputs_.deployments.ok()) {
    const DoraFigures dora = ComputeDora(*inputs_.deployments, inputs_.period);
    report.summary.push_back(
        fmt::format("{} deployments, of which {} did not last.", dora.deployments, dora.failures));
  }
  size_t missing = 0;
  for (const auto& [id, measured] : now_) missing += measured.value ? 0 : 1;
  if (missing > 0) {
    report.summary.push_back(
        fmt::format("{} of {} figures are n/a; their notes say why.", missing, now_.size()));
  }
}

Result<Report> ReportRun::Run() {
  if (const auto answer = source_.Query("vector(1)", inputs_.period.to); !answer.ok()) {
    return answer.error();
  }
  Report report{.title = inputs_.title,
                .source = inputs_.source,
                .period = inputs_.period,
                .before = inputs_.before};
  report.sections.push_back(ServiceSection());
  report.sections.push_back(SloSection());
  report.sections.push_back(AlertSection());
  report.sections.push_back(DeploymentSection());
  report.sections.push_back(EndpointSection());
  report.sections.push_back(BusinessSection());
  report.sections.push_back(ResourceSection());
  report.sections.push_back(DataSection());
  report.tiles = Tiles();
  if (inputs_.deployments.ok()) {
    for (const Deployment& one : DeploymentsIn(*inputs_.deployments, inputs_.period)) {
      report.marks.push_back(
          {.at = one.finished, .text = one.version + " " + one.result, .bad = !one.Succeeded()});
    }
  }
  Summarize(report);
  return report;
}

}  // namespace tocsin::delivery
