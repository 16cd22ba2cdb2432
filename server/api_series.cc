#include <fmt/core.h>

#include <charconv>

#include "engine/promql/parser.h"
#include "engine/promql/result_json.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

// The parameters of /series, /labels and /label/<name>/values.
struct Selection {
  std::vector<std::vector<Matcher>> selectors;
  TimeRange range;
  size_t limit = 0;

  bool nothing() const { return range.max_ms < range.min_ms; }
};

Result<Selection> ReadSelection(const ProcessView& view, const HttpServerRequest& request) {
  Selection selection;
  ASSIGN_OR_RETURN(selection.limit, LimitParameter(request));
  ASSIGN_OR_RETURN(const std::optional<Timestamp> start, TimeParameter(request, "start"));
  ASSIGN_OR_RETURN(const std::optional<Timestamp> end, TimeParameter(request, "end"));
  ASSIGN_OR_RETURN(selection.selectors, MatchParameter(view, request));
  if (start) selection.range.min_ms = ToMs(*start);
  if (end) selection.range.max_ms = ToMs(*end);
  return selection;
}

void AppendUtf8(std::string& out, uint32_t code) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

// "U__http_2e_status" -> "http.status": how Prometheus writes other than legacy names into a
// path. Texts that are not of this form stay.
std::string UnescapeLabelName(const std::string& name) {
  if (!name.starts_with("U__")) return name;
  std::string out;
  for (size_t i = 3; i < name.size(); ++i) {
    if (name[i] != '_') {
      out += name[i];
      continue;
    }
    if (i + 1 < name.size() && name[i + 1] == '_') {
      out += '_';
      ++i;
      continue;
    }
    const size_t end = name.find('_', i + 1);
    uint32_t code = 0;
    if (end == std::string::npos) return name;
    const auto [stop, error] = std::from_chars(name.data() + i + 1, name.data() + end, code, 16);
    if (error != std::errc() || stop != name.data() + end || code > 0x10ffff) return name;
    AppendUtf8(out, code);
    i = end;
  }
  return out;
}

}  // namespace

HttpServerResponse HandleSeries(const ProcessView& view, const HttpServerRequest& request) {
  if (!request.parameters.Has("match[]")) {
    return Failure(ApiError::kBadData, "no match[] parameter provided");
  }
  const Result<Selection> selection = ReadSelection(view, request);
  if (!selection.ok()) return Failure(selection.error());
  if (selection->nothing()) return Success("[]");
  Result<std::vector<LabelSet>> series =
      view.querier.Series(selection->selectors, selection->range);
  if (!series.ok()) return Failure(series.error());
  Remarks remarks;
  Truncate(*series, selection->limit, remarks);
  JsonWriter json;
  json.BeginArray();
  for (const LabelSet& labels : *series) promql::WriteLabels(json, labels);
  json.EndArray();
  return Success(json.text(), remarks);
}

HttpServerResponse HandleLabels(const ProcessView& view, const HttpServerRequest& request) {
  const Result<Selection> selection = ReadSelection(view, request);
  if (!selection.ok()) return Failure(selection.error());
  if (selection->nothing()) return Success("[]");
  Result<std::vector<std::string>> names =
      view.querier.LabelNames(selection->selectors, selection->range);
  if (!names.ok()) return Failure(names.error());
  Remarks remarks;
  Truncate(*names, selection->limit, remarks);
  return Success(*names, remarks);
}

HttpServerResponse HandleLabelValues(const ProcessView& view, const HttpServerRequest& request) {
  const std::string name = UnescapeLabelName(request.captures.at(0));
  if (name.empty() || !IsValidUtf8(name)) {
    return Failure(ApiError::kBadData, fmt::format("invalid label name: \"{}\"", name));
  }
  const Result<Selection> selection = ReadSelection(view, request);
  if (!selection.ok()) return Failure(selection.error());
  if (selection->nothing()) return Success("[]");
  Result<std::vector<std::string>> values =
      view.querier.LabelValues(name, selection->selectors, selection->range);
  if (!values.ok()) return Failure(values.error());
  Remarks remarks;
  Truncate(*values, selection->limit, remarks);
  return Success(*values, remarks);
}

}  // namespace tocsin::server
