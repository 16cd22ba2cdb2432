// tsdb analyze: what fills a server's store.
#include <fmt/core.h>

#include "base/json.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/http_config_file.h"
#include "cli/server_client.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    kServerFlag,
    {.name = "--limit", .value = "N", .fallback = "10", .help = "So many lines of each list."},
    kHttpConfigFileFlag,
    kReportFormatFlag,
};

// The lists of /api/v1/status/tsdb, in promtool's words where it has them.
struct ListRow {
  std::string_view member;
  std::string_view title;
};
constexpr ListRow kLists[] = {
    {"seriesCountByMetricName", "Highest cardinality metric names:"},
    {"labelValueCountByLabelName", "Highest cardinality labels:"},
    {"memoryInBytesByLabelName", "Label names whose values take most bytes:"},
    {"seriesCountByLabelValuePair", "Most common label pairs:"},
};

double Number(const JsonValue* value) {
  return value == nullptr || value->AsNumber() == nullptr ? 0 : *value->AsNumber();
}

std::string Overview(const JsonValue& data) {
  const double first = Number(data.Find("headStats", "minTime"));
  const double last = Number(data.Find("headStats", "maxTime"));
  std::string text = fmt::format("Series: {}\nLabel pairs: {}\nChunks: {}\n",
                                 Number(data.Find("headStats", "numSeries")),
                                 Number(data.Find("headStats", "numLabelPairs")),
                                 Number(data.Find("headStats", "chunkCount")));
  if (first > last) return text + "There are no samples.\n";
  const Timestamp from = FromMs(static_cast<int64_t>(first));
  const Timestamp to = FromMs(static_cast<int64_t>(last));
  return text +
         fmt::format("From {} to {}, {}\n", FormatRfc3339(from), FormatRfc3339(to),
                     FormatPrometheusDuration(std::chrono::floor<std::chrono::seconds>(to - from)));
}

std::string ListText(const JsonValue& data, const ListRow& row) {
  const JsonValue* const list = data.Find(row.member);
  if (list == nullptr || list->AsArray() == nullptr || list->AsArray()->empty()) return "";
  std::string text = fmt::format("\n{}\n", row.title);
  for (const JsonValue& entry : *list->AsArray()) {
    const JsonValue* const name = entry.Find("name");
    text += fmt::format("{} {}\n", Number(entry.Find("value")),
                        name == nullptr ? "" : name->TextOrEmpty());
  }
  return text;
}

int RunTsdbAnalyze(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("tsdb analyze", arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<int64_t> limit = arguments.IntegerOf("--limit");
  const Result<HttpClientConfig> config = ReadHttpConfigFile(arguments, context);
  if (!limit.ok() || !config.ok()) {
    context.err("tocsin tsdb analyze: " + (limit.ok() ? config.error() : limit.error()).message +
                "\n");
    return kExitUsage;
  }
  ConfiguredHttpClient http(context.http, *config);
  const Result<JsonValue> data =
      AskApi(http, arguments.Text("--server"), fmt::format("/api/v1/status/tsdb?limit={}", *limit));
  if (!data.ok()) {
    report->AddAs({.check = "tsdb/analyze", .message = data.error().message},
                  "tocsin tsdb analyze: " + data.error().message + "\n");
    return report->Finish();
  }
  report->Say(Overview(*data));
  for (const ListRow& row : kLists) report->Say(ListText(*data, row));
  report->AddMember("tsdb", JsonWriter().Value(*data).Take());
  return report->Finish();
}

}  // namespace

const CommandSpec kTsdbAnalyzeCommand = {
    .name = "tsdb analyze",
    .summary = "Say what fills a server's store: metrics, labels, pairs.",
    .flags = kFlags,
    .examples =
        "tocsin tsdb analyze\n"
        "tocsin tsdb analyze --server=http://prometheus:9090 --limit=20",
    .run = &RunTsdbAnalyze,
};

}  // namespace tocsin::cli
