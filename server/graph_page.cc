#include <fmt/core.h>

#include "base/go_float.h"
#include "base/markup.h"
#include "engine/model/histogram.h"
#include "server/api_handlers.h"
#include "server/html.h"

namespace tocsin::server {
namespace {

constexpr size_t kMaxRows = 1000;

std::string ValueText(const promql::Point& point) {
  return point.histogram == nullptr
             ? FormatGoV(point.value)
             : fmt::format("histogram, count {}, sum {}", FormatGoV(point.histogram->count),
                           FormatGoV(point.histogram->sum));
}

std::string Row(std::string_view labels, std::string_view value) {
  return fmt::format("<tr><td><code>{}</code></td><td>{}</td></tr>\n", EscapeMarkup(labels),
                     EscapeMarkup(value));
}

// One row per value; visited by the kind of the result.
struct Rows {
  std::string operator()(const promql::ScalarValue& scalar) const {
    return Row("scalar", FormatGoV(scalar.value));
  }
  std::string operator()(const promql::StringValue& text) const { return Row("string", text.text); }
  std::string operator()(const promql::VectorValue& vector) const {
    std::string out;
    for (size_t i = 0; i < vector.size() && i < kMaxRows; ++i) {
      out += Row(vector[i].labels.ToString(), ValueText(vector[i].point));
    }
    return out;
  }
  std::string operator()(const promql::MatrixValue& matrix) const {
    std::string out;
    for (size_t i = 0; i < matrix.size() && i < kMaxRows; ++i) {
      std::string values;
      for (const promql::Point& point : matrix[i].points) {
        values += ValueText(point) + " @" + FormatRfc3339(FromMs(point.t_ms)) + "\n";
      }
      out += Row(matrix[i].labels.ToString(), values);
    }
    return out;
  }
};

std::string Notes(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    out += fmt::format("<p class=\"note\">{}</p>\n", EscapeMarkup(text));
  }
  return out;
}

std::string Evaluate(const ProcessView& view, const HttpServerRequest& request,
                     std::string_view text) {
  const auto problem = [](const Error& error) {
    return fmt::format("<p class=\"problem\" role=\"alert\">{}</p>\n", EscapeMarkup(error.message));
  };
  const auto query = view.engine.Parse(text);
  if (!query.ok()) return problem(query.error());
  promql::QueryLimits limits;
  limits.canceled = request.canceled;
  const Result<promql::QueryResult> result =
      view.engine.Instant(**query, view.querier, ToMs(view.clock.Now()), limits);
  if (!result.ok()) return problem(result.error());
  const std::string rows = std::visit(Rows(), result->value);
  std::string out = Notes(result->warnings) + Notes(result->infos);
  if (rows.empty()) return out + "<p>The result is empty.</p>\n";
  return out +
         "<div class=\"table\"><table><thead><tr><th scope=\"col\">Series</th>"
         "<th scope=\"col\">Value now</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table></div>\n";
}

}  // namespace

HttpServerResponse HandleGraphPage(const ProcessView& view, const HttpServerRequest& request) {
  const std::string_view text = request.parameters.Get("g0.expr");
  std::string main = fmt::format(
      "<h1>Query</h1>\n<form method=\"get\">\n<p class=\"grow\"><label for=\"expr\">"
      "PromQL expression</label><input id=\"expr\" name=\"g0.expr\" value=\"{}\" "
      "spellcheck=\"false\" autocomplete=\"off\"></p>\n<p><button type=\"submit\">Evaluate</button>"
      "</p>\n</form>\n",
      EscapeMarkup(text));
  if (!text.empty()) main += Evaluate(view, request, text);
  return HtmlPage(view, "Query, tocsin", main);
}

}  // namespace tocsin::server
