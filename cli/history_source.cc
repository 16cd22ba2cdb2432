#include "cli/history_source.h"

#include <algorithm>
#include <map>

#include "base/go_float.h"
#include "cli/server_client.h"
#include "engine/exposition/parser.h"
#include "engine/storage/head.h"
#include "engine/storage/http_querier.h"

namespace tocsin::cli {
namespace {

struct Line {
  LabelSet labels;
  int64_t t_ms;
  double value;
};

// One line in OpenMetrics' end marks the format.
ExpositionFormat FormatOf(std::string_view text) {
  return text.find("# EOF") != std::string_view::npos ? ExpositionFormat::kOpenMetrics
                                                      : ExpositionFormat::kPrometheusText;
}

Result<std::vector<Line>> ReadLines(const std::string& path, const std::string& text,
                                    Timestamp now) {
  ExpositionParser parser(text, FormatOf(text));
  std::vector<Line> lines;
  for (auto event = parser.Next(); event != ExpositionEvent::kEnd; event = parser.Next()) {
    if (event == ExpositionEvent::kError) return Prefixed(path + ": ", parser.error());
    if (event != ExpositionEvent::kSample) continue;
    Result<LabelSet> labels = parser.ReadLabels();
    if (!labels.ok()) {
      return Prefixed(path + ": line " + std::to_string(parser.line()) + ": ", labels.error());
    }
    lines.push_back({.labels = *std::move(labels),
                     .t_ms = parser.timestamp_ms().value_or(ToMs(now)),
                     .value = parser.value()});
  }
  // A file may be sorted by series; the store wants each series by time.
  std::ranges::stable_sort(lines, {}, &Line::t_ms);
  return lines;
}

Result<std::vector<Line>> ReadFile(const std::string& path, CommandContext& context) {
  constexpr size_t kMaxBytes = size_t{4} << 30;
  ASSIGN_OR_RETURN(const std::string text, context.files.Read(path, kMaxBytes));
  ASSIGN_OR_RETURN(std::vector<Line> lines, ReadLines(path, text, context.clock.Now()));
  if (lines.empty()) return InvalidArgument(path + ": there are no samples in it");
  return lines;
}

Result<History> OpenFile(const std::string& path, CommandContext& context) {
  ASSIGN_OR_RETURN(const std::vector<Line> lines, ReadFile(path, context));
  std::unique_ptr<Head> head = EmptyStore(context.clock);
  Appender appender(*head);
  constexpr size_t kBatch = 10'000;
  for (const Line& line : lines) {
    appender.Append(line.labels, line.t_ms, line.value);
    if (appender.pending() < kBatch) continue;
    ASSIGN_OR_RETURN(const CommitReport report, appender.Commit());
    static_cast<void>(report);
  }
  ASSIGN_OR_RETURN(const CommitReport report, appender.Commit());
  static_cast<void>(report);
  History history;
  history.first = FromMs(lines.front().t_ms);
  history.last = FromMs(lines.back().t_ms);
  history.querier = std::move(head);
  return history;
}

}  // namespace

Result<std::vector<WrittenSeries>> ReadSampleFile(const std::string& path,
                                                  CommandContext& context) {
  ASSIGN_OR_RETURN(const std::vector<Line> lines, ReadFile(path, context));
  std::map<LabelSet, size_t> places;
  std::vector<WrittenSeries> series;
  for (const Line& line : lines) {
    const auto [place, is_new] = places.try_emplace(line.labels, series.size());
    if (is_new) series.push_back({.labels = line.labels, .samples = {}});
    series[place->second].samples.emplace_back(line.t_ms, line.value);
  }
  return series;
}

std::unique_ptr<Head> EmptyStore(const Clock& clock) {
  return std::make_unique<Head>(
      HeadOptions{.retention = Duration::zero(), .max_future = Duration::zero()}, clock);
}

Result<History> OpenHistory(const Arguments& arguments, CommandContext& context) {
  if (arguments.Given("--input")) return OpenFile(arguments.Text("--input"), context);
  History history;
  history.querier =
      std::make_unique<HttpQuerier>(context.http, NormalServerUrl(arguments.Text("--server")));
  history.is_remote = true;
  history.last = context.clock.Now();
  history.first = history.last - std::chrono::hours(1);
  return history;
}

Result<Timestamp> ParseTimeArgument(std::string_view text, Timestamp now) {
  if (text == "now") return now;
  if (text.starts_with('-')) {
    const Result<Duration> back = ParsePrometheusDuration(text.substr(1));
    if (back.ok()) return now - *back;
  }
  if (const std::optional<double> seconds = ParseGoFloat(text)) {
    return Timestamp{FromSeconds(*seconds)};
  }
  const Result<Timestamp> time = ParseRfc3339(text);
  if (time.ok()) return *time;
  return InvalidArgument("\"" + std::string(text) +
                         "\" is no time; write 2026-11-25T10:00:00Z, seconds, or -2h");
}

}  // namespace tocsin::cli
