#include "cli/findings_report.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/json.h"
#include "cli/build_info.h"
#include "cli/terminal.h"

namespace tocsin::cli {
namespace {

struct FormatRow {
  std::string_view name;
  ReportFormat format;
};
constexpr FormatRow kFormats[] = {{"text", ReportFormat::kText},
                                  {"json", ReportFormat::kJson},
                                  {"sarif", ReportFormat::kSarif},
                                  {"github", ReportFormat::kGithub}};

struct SeverityRow {
  Severity severity;
  std::string_view name;    // text, json
  std::string_view sarif;   // result.level
  std::string_view github;  // the workflow command
  Color color;
};
constexpr SeverityRow kSeverities[] = {
    {Severity::kNote, "note", "note", "notice", Color::kDim},
    {Severity::kWarning, "warning", "warning", "warning", Color::kYellow},
    {Severity::kError, "error", "error", "error", Color::kRed},
};

const SeverityRow& Row(Severity severity) {
  return *std::ranges::find(kSeverities, severity, &SeverityRow::severity);
}

std::string PlaceText(const Finding& finding) {
  std::string place = finding.file;
  if (finding.line > 0) place += fmt::format(":{}", finding.line);
  if (finding.line > 0 && finding.column > 0) place += fmt::format(":{}", finding.column);
  return place;
}

// Every line of `text` behind `first` or spaces of the same width.
std::string Block(std::string_view first, std::string_view text) {
  std::string block;
  std::string lead(first);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    block += lead + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
    lead = std::string(first.size(), ' ');
  }
  return block;
}

// github.com/actions/toolkit: what would end a message or a property is percent-encoded.
std::string GithubText(std::string_view text, std::string_view also) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '\r' || c == '\n' || also.find(c) != std::string_view::npos) {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string FullMessage(const Finding& finding) {
  std::string message = finding.message;
  if (!finding.explanation.empty()) message += "\n" + finding.explanation;
  if (!finding.fix.empty()) message += "\nfix: " + finding.fix;
  return message;
}

std::string_view CheckName(const Finding& finding) {
  return finding.check.empty() ? "tocsin" : std::string_view(finding.check);
}

std::vector<std::string_view> CheckNames(const std::vector<Finding>& findings) {
  std::vector<std::string_view> names;
  for (const Finding& finding : findings) names.push_back(CheckName(finding));
  std::ranges::sort(names);
  const auto [first, last] = std::ranges::unique(names);
  names.erase(first, last);
  return names;
}

// artifactLocation.uri: a relative reference with / between the parts, so spaces and the like are
// percent-encoded.
std::string Uri(std::string_view path) {
  std::string uri;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

void WriteRegion(const Finding& finding, JsonWriter& json) {
  json.Key("region").BeginObject().Field("startLine", finding.line);
  if (finding.column > 0) json.Field("startColumn", finding.column);
  if (finding.end_line > 0) json.Field("endLine", finding.end_line);
  if (finding.end_column > 0) json.Field("endColumn", finding.end_column);
  json.EndObject();
}

void WriteSarifResult(const Finding& finding, int64_t rule_index, JsonWriter& json) {
  json.BeginObject().Field("ruleId", CheckName(finding)).Field("ruleIndex", rule_index);
  json.Field("level", Row(finding.severity).sarif);
  json.Key("message").BeginObject().Field("text", FullMessage(finding)).EndObject();
  json.Key("locations").BeginArray();
  if (!finding.file.empty()) {
    json.BeginObject().Key("physicalLocation").BeginObject();
    json.Key("artifactLocation").BeginObject().Field("uri", Uri(finding.file)).EndObject();
    if (finding.line > 0) WriteRegion(finding, json);
    json.EndObject().EndObject();
  }
  json.EndArray().EndObject();
}

void WriteJsonFinding(const Finding& finding, JsonWriter& json) {
  json.BeginObject().Field("severity", Row(finding.severity).name);
  json.Field("check", finding.check).Field("file", finding.file);
  if (finding.line > 0) json.Field("line", finding.line);
  if (finding.column > 0) json.Field("column", finding.column);
  if (finding.end_line > 0) json.Field("end_line", finding.end_line);
  if (finding.end_column > 0) json.Field("end_column", finding.end_column);
  json.Field("message", finding.message);
  if (!finding.explanation.empty()) json.Field("explanation", finding.explanation);
  if (!finding.fix.empty()) json.Field("fix", finding.fix);
  json.EndObject();
}

}  // namespace

Result<ReportFormat> ParseReportFormat(std::string_view text) {
  const auto* const row = std::ranges::find(kFormats, text, &FormatRow::name);
  if (row != std::end(kFormats)) return row->format;
  return InvalidArgument(
      fmt::format("--format: \"{}\" is not one of text, json, sarif, github", text));
}

std::string RenderText(const Finding& finding, bool colors) {
  const SeverityRow& row = Row(finding.severity);
  const std::string place = PlaceText(finding);
  std::string text = place.empty() ? "" : Colored(place + ":", Color::kBold, colors) + " ";
  text += Colored(std::string(row.name) + ":", row.color, colors) + " " + finding.message;
  if (!finding.check.empty()) text += " " + Colored("(" + finding.check + ")", Color::kDim, colors);
  text += "\n" + Block("    ", finding.explanation);
  std::string fix = Block("    fix: ", finding.fix);
  if (!fix.empty()) fix = fix.replace(4, 4, Colored("fix:", Color::kGreen, colors));
  return text + fix;
}

std::string RenderGithub(const Finding& finding) {
  std::string properties = fmt::format("title={}", GithubText(CheckName(finding), ",:"));
  if (!finding.file.empty()) {
    properties = "file=" + GithubText(finding.file, ",:") +
                 (finding.line > 0 ? fmt::format(",line={}", finding.line) : "") +
                 (finding.column > 0 ? fmt::format(",col={}", finding.column) : "") +
                 (finding.end_line > 0 ? fmt::format(",endLine={}", finding.end_line) : "") + "," +
                 properties;
  }
  return fmt::format("::{} {}::{}\n", Row(finding.severity).github, properties,
                     GithubText(FullMessage(finding), ""));
}

std::string RenderSarif(const std::vector<Finding>& findings) {
  const std::vector<std::string_view> checks = CheckNames(findings);
  JsonWriter json;
  json.BeginObject().Field("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
  json.Field("version", "2.1.0").Key("runs").BeginArray().BeginObject();
  json.Key("tool").BeginObject().Key("driver").BeginObject().Field("name", "tocsin");
  json.Field("version", BuildVersion()).Key("rules").BeginArray();
  for (const std::string_view check : checks) json.BeginObject().Field("id", check).EndObject();
  json.EndArray().EndObject().EndObject();
  json.Field("columnKind", "unicodeCodePoints").Key("results").BeginArray();
  for (const Finding& finding : findings) {
    const auto rule = std::ranges::lower_bound(checks, CheckName(finding));
    WriteSarifResult(finding, rule - checks.begin(), json);
  }
  json.EndArray().EndObject().EndArray().EndObject();
  return json.Take() + "\n";
}

void FindingsReport::Say(std::string_view text) {
  if (is_text()) context_.out(text);
}

void FindingsReport::Add(Finding finding) {
  if (is_text()) context_.out(RenderText(finding, context_.colors));
  AddAs(std::move(finding), "");
}

void FindingsReport::Add(std::vector<Finding> findings) {
  for (Finding& finding : findings) Add(std::move(finding));
}

void FindingsReport::AddAs(Finding finding, std::string_view text) {
  if (is_text() && !text.empty()) context_.err(text);
  if (format_ == ReportFormat::kGithub) context_.out(RenderGithub(finding));
  findings_.push_back(std::move(finding));
}

void FindingsReport::AddMember(std::string name, std::string json) {
  members_.emplace_back(std::move(name), std::move(json));
}

size_t FindingsReport::Count(Severity severity) const {
  return static_cast<size_t>(std::ranges::count(findings_, severity, &Finding::severity));
}

int FindingsReport::Finish(Lint lint) {
  if (format_ == ReportFormat::kJson) context_.out(RenderJson());
  if (format_ == ReportFormat::kSarif) context_.out(RenderSarif(findings_));
  if (Count(Severity::kError) > 0) return kExitNo;
  return lint == Lint::kFatal && Count(Severity::kWarning) > 0 ? kExitLint : kExitOk;
}

std::string FindingsReport::RenderJson() const {
  JsonWriter json;
  json.BeginObject().Key("findings").BeginArray();
  for (const Finding& finding : findings_) WriteJsonFinding(finding, json);
  json.EndArray().Key("summary").BeginObject();
  json.Field("errors", static_cast<uint64_t>(Count(Severity::kError)));
  json.Field("warnings", static_cast<uint64_t>(Count(Severity::kWarning)));
  json.Field("notes", static_cast<uint64_t>(Count(Severity::kNote))).EndObject();
  for (const auto& [name, value] : members_) json.Key(name).Raw(value);
  json.EndObject();
  return json.Take() + "\n";
}

FindingsReport::Lint LintOf(const Arguments& arguments) {
  return arguments.Switch("--lint-fatal") ? FindingsReport::Lint::kFatal
                                          : FindingsReport::Lint::kTolerated;
}

Result<FindingsReport> OpenReport(std::string_view command, const Arguments& arguments,
                                  CommandContext& context) {
  const Result<ReportFormat> format = ParseReportFormat(arguments.Text("--format"));
  if (format.ok()) return FindingsReport(*format, context);
  context.err(fmt::format("tocsin {}: {}\n", command, format.error().message));
  return format.error();
}

}  // namespace tocsin::cli
