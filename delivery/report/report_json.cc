// The report for programs: JSON, CSV, and Slack's message.
#include <fmt/format.h>

#include "base/go_float.h"
#include "base/json.h"
#include "delivery/report/report.h"

namespace tocsin::delivery {
namespace {

std::string_view UnitName(ReportUnit unit) {
  switch (unit) {
    case ReportUnit::kCount:
    case ReportUnit::kScore:
      return "";
    case ReportUnit::kRatio:
    case ReportUnit::kPoints:
      return "ratio";
    case ReportUnit::kSeconds:
    case ReportUnit::kSpan:
      return "seconds";
    case ReportUnit::kBytes:
      return "bytes";
    case ReportUnit::kPerHour:
      return "per_hour";
    case ReportUnit::kPerSecond:
      return "per_second";
    case ReportUnit::kMoney:
      return "money";
  }
  return "";
}

// A number or a text as it is; {"missing": why} for what is not known.
void WriteCell(const ReportCell& cell, JsonWriter& json) {
  if (!cell.missing.empty()) {
    json.BeginObject().Field("missing", cell.missing).EndObject();
  } else if (cell.number) {
    json.Double(*cell.number);
  } else {
    json.String(cell.text);
  }
}

void WritePeriod(std::string_view key, const ReportPeriod& period, JsonWriter& json) {
  json.Key(key).BeginObject().Field("from", FormatRfc3339(period.from));
  json.Field("to", FormatRfc3339(period.to)).EndObject();
}

void WriteTable(const ReportTable& table, JsonWriter& json) {
  json.BeginObject().Field("id", table.id).Field("title", table.title);
  if (table.rows.empty()) json.Field("missing", table.missing);
  json.Key("rows").BeginArray();
  for (const auto& row : table.rows) {
    json.BeginObject();
    for (size_t i = 0; i < row.size(); ++i) {
      json.Key(table.columns[i].id);
      WriteCell(row[i], json);
    }
    json.EndObject();
  }
  json.EndArray().EndObject();
}

void WriteChart(const ReportChart& chart, JsonWriter& json) {
  json.BeginObject().Field("id", chart.id).Field("title", chart.title);
  if (chart.lines.empty() && chart.rows.empty()) json.Field("missing", chart.missing);
  json.Field("unit", UnitName(chart.unit)).Key("lines").BeginArray();
  for (const ReportLine& line : chart.lines) {
    json.BeginObject().Field("name", line.name).Key("points").BeginArray();
    for (const MetricPoint& point : line.points) {
      json.BeginArray().String(FormatRfc3339(point.at)).Double(point.value).EndArray();
    }
    json.EndArray().EndObject();
  }
  json.EndArray().Key("rows").BeginArray();
  for (const ReportBarRow& row : chart.rows) {
    json.BeginObject().Field("name", row.name).Key("bars").BeginArray();
    for (const ReportBar& bar : row.bars) {
      json.BeginObject().Field("from", FormatRfc3339(bar.from));
      json.Field("to", FormatRfc3339(bar.to)).EndObject();
    }
    json.EndArray().EndObject();
  }
  json.EndArray().EndObject();
}

// RFC 4180; and a text that a spreadsheet would take for a formula gets an apostrophe.
std::string CsvField(std::string_view text) {
  std::string field(text);
  const bool formula =
      !field.empty() && std::string_view("=+-@").find(field[0]) != std::string::npos;
  if (formula && !ParseGoFloat(field)) field.insert(0, "'");
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void AppendCsvLine(std::initializer_list<std::string> fields, std::string& csv) {
  bool first = true;
  for (const std::string& field : fields) {
    if (!first) csv += ",";
    csv += CsvField(field);
    first = false;
  }
  csv += "\r\n";
}

}  // namespace

std::string RenderReportJson(const Report& report) {
  JsonWriter json;
  json.BeginObject().Field("title", report.title).Field("source", report.source);
  WritePeriod("period", report.period, json);
  if (report.before) WritePeriod("before", *report.before, json);
  json.Key("summary").BeginArray();
  for (const std::string& sentence : report.summary) json.String(sentence);
  json.EndArray().Key("sections").BeginArray();
  for (const ReportSection& section : report.sections) {
    json.BeginObject().Field("id", section.id).Field("title", section.title);
    json.Key("notes").BeginArray();
    for (const std::string& note : section.notes) json.String(note);
    json.EndArray().Key("tables").BeginArray();
    for (const ReportTable& table : section.tables) WriteTable(table, json);
    json.EndArray().Key("charts").BeginArray();
    for (const ReportChart& chart : section.charts) WriteChart(chart, json);
    json.EndArray().EndObject();
  }
  json.EndArray().EndObject();
  return json.Take() + "\n";
}

std::string RenderReportCsv(const Report& report) {
  std::string csv;
  AppendCsvLine({"part", "row", "column", "time", "value", "unit", "text", "missing"}, csv);
  for (const ReportSection& section : report.sections) {
    for (const ReportTable& table : section.tables) {
      for (const auto& row : table.rows) {
        for (size_t i = 1; i < row.size(); ++i) {
          AppendCsvLine({table.id, FormatReportCell(row[0]), table.columns[i].id, "",
                         row[i].number ? FormatGoF(*row[i].number) : "",
                         row[i].number ? std::string(UnitName(row[i].unit)) : "", row[i].text,
                         row[i].missing},
                        csv);
        }
      }
      if (table.rows.empty()) AppendCsvLine({table.id, "", "", "", "", "", "", table.missing}, csv);
    }
    for (const ReportChart& chart : section.charts) {
      for (const ReportLine& line : chart.lines) {
        for (const MetricPoint& point : line.points) {
          AppendCsvLine({chart.id, line.name, "", FormatRfc3339(point.at), FormatGoF(point.value),
                         std::string(UnitName(chart.unit)), "", ""},
                        csv);
        }
      }
    }
  }
  return csv;
}

std::string RenderReportSlack(const Report& report) {
  std::string text;
  for (const std::string& sentence : report.summary) text += "• " + sentence + "\n";
  JsonWriter json;
  json.BeginObject().Field("text", report.title + ": " + FormatReportPeriod(report.period));
  json.Key("blocks").BeginArray();
  const auto block = [&](std::string_view type, std::string_view key, std::string_view form,
                         const std::string& words) {
    json.BeginObject().Field("type", type).Key(key).BeginObject();
    json.Field("type", form).Field("text", words).EndObject().EndObject();
  };
  block("header", "text", "plain_text", report.title);
  block("section", "text", "mrkdwn", FormatReportPeriod(report.period) + "\n" + text);
  // Slack takes at most ten fields in a block.
  json.BeginObject().Field("type", "section").Key("fields").BeginArray();
  for (size_t i = 0; i < report.tiles.size() && i < 10; ++i) {
    const ReportTile& tile = report.tiles[i];
    const std::string change =
        tile.change.number ? " (" + FormatReportCell(tile.change) + ")" : std::string();
    json.BeginObject().Field("type", "mrkdwn");
    json.Field("text", "*" + tile.title + "*\n" + FormatReportCell(tile.value) + change);
    json.EndObject();
  }
  json.EndArray().EndObject().EndArray().EndObject();
  return json.Take();
}

}  // namespace tocsin::delivery
