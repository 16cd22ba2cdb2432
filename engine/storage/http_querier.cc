#include "engine/storage/http_querier.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/go_float.h"
#include "base/json.h"

namespace tocsin {
namespace {

// Series that are held as they were read.
class ReadSet final : public SeriesSet {
 public:
  struct Entry {
    Labels labels;
    SampleColumns columns;
  };
  explicit ReadSet(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  size_t size() const override { return entries_.size(); }
  const Labels& labels(size_t series) const override { return entries_[series].labels; }
  uint64_t id(size_t /*series*/) const override { return 0; }
  Status Read(size_t series, TimeRange range, SampleColumns& columns) const override {
    const SampleColumns& all = entries_[series].columns;
    const auto first = std::ranges::lower_bound(all.t_ms, range.min_ms) - all.t_ms.begin();
    const auto last = std::ranges::upper_bound(all.t_ms, range.max_ms) - all.t_ms.begin();
    columns.t_ms.insert(columns.t_ms.end(), all.t_ms.begin() + first, all.t_ms.begin() + last);
    columns.values.insert(columns.values.end(), all.values.begin() + first,
                          all.values.begin() + last);
    return Ok();
  }
  std::optional<Newest> ReadNewest(size_t series, TimeRange range) const override {
    const SampleColumns& all = entries_[series].columns;
    const auto after = std::ranges::upper_bound(all.t_ms, range.max_ms);
    if (after == all.t_ms.begin()) return std::nullopt;
    const auto index = static_cast<size_t>(after - all.t_ms.begin()) - 1;
    if (all.t_ms[index] < range.min_ms) return std::nullopt;
    return Newest{.t_ms = all.t_ms[index], .value = all.values[index], .histogram = nullptr};
  }

 private:
  const std::vector<Entry> entries_;
};

std::string SelectorText(std::span<const Matcher> matchers) {
  std::string text;
  for (const Matcher& matcher : matchers) text += (text.empty() ? "" : ",") + matcher.ToString();
  return "{" + text + "}";
}

std::string SecondsText(int64_t ms) { return FormatGoF(static_cast<double>(ms) / 1000.0); }

LabelSet ReadLabels(const JsonValue* metric) {
  std::vector<LabelSet::Pair> pairs;
  if (metric != nullptr && metric->AsObject() != nullptr) {
    for (const auto& [name, value] : *metric->AsObject()) {
      pairs.emplace_back(name, value.TextOrEmpty());
    }
  }
  return LabelSet::FromPairs(std::move(pairs));
}

Status ReadValues(const JsonValue& series, SampleColumns& columns) {
  if (series.Find("histograms") != nullptr) {
    return ExecutionError("native histograms cannot be read through the query API");
  }
  const JsonValue* values = series.Find("values");
  if (values == nullptr || values->AsArray() == nullptr) return Ok();
  for (const JsonValue& pair : *values->AsArray()) {
    const JsonValue::Array* parts = pair.AsArray();
    if (parts == nullptr || parts->size() != 2 || (*parts)[0].AsNumber() == nullptr) {
      return ExecutionError("a sample is not [time, value]");
    }
    const std::optional<double> value = ParseGoFloat((*parts)[1].TextOrEmpty());
    if (!value) return ExecutionError("a sample's value is no number");
    columns.t_ms.push_back(std::llround(*(*parts)[0].AsNumber() * 1000));
    columns.values.push_back(*value);
  }
  return Ok();
}

// Open ends would be years that no server takes.
TimeRange Bounded(TimeRange range) {
  constexpr int64_t kEarliest = 0;
  constexpr int64_t kLatest = 253'402'300'799'000;  // the year 9999
  return {std::max(range.min_ms, kEarliest), std::min(range.max_ms, kLatest)};
}

std::vector<std::string> Texts(const JsonValue* list) {
  std::vector<std::string> texts;
  if (list != nullptr && list->AsArray() != nullptr) {
    for (const JsonValue& text : *list->AsArray()) texts.emplace_back(text.TextOrEmpty());
  }
  return texts;
}

}  // namespace

HttpQuerier::HttpQuerier(HttpClient& http, std::string url) : http_(http), url_(std::move(url)) {}

Result<std::string> HttpQuerier::Ask(std::string_view path, const Parameters& parameters,
                                     const std::function<bool()>& canceled) const {
  HttpRequest request{.method = "POST",
                      .url = url_ + std::string(path),
                      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                      .timeout = std::chrono::minutes(3),
                      .max_body_bytes = 1 << 30};
  request.canceled = canceled;
  for (const auto& [name, value] : parameters) {
    request.body += (request.body.empty() ? "" : "&") + name + "=" + UrlEncode(value);
  }
  // Label values are only to be had by GET.
  if (path.find("/label/") != std::string_view::npos) {
    request.method = "GET";
    request.url += "?" + std::exchange(request.body, "");
    request.headers.clear();
  }
  ASSIGN_OR_RETURN(HttpResponse response, http_.Fetch(request));
  return std::move(response.body);
}

namespace {

Result<JsonValue> DataOf(const Result<std::string>& body, const std::string& place) {
  if (!body.ok()) return body.error();
  Result<JsonValue> answer = JsonValue::Parse(*body);
  if (!answer.ok() || answer->Find("status") == nullptr) {
    return Unavailable(place + ": not an answer of Prometheus' API");
  }
  if (answer->Find("status")->TextOrEmpty() != "success") {
    const JsonValue* error = answer->Find("error");
    return ExecutionError(place + ": " +
                          (error == nullptr ? "failed" : std::string(error->TextOrEmpty())));
  }
  const JsonValue* data = answer->Find("data");
  return data == nullptr ? JsonValue() : *data;
}

}  // namespace

Result<std::unique_ptr<SeriesSet>> HttpQuerier::Select(std::span<const Matcher> matchers,
                                                       TimeRange range, const SelectHints& hints,
                                                       SymbolTable& overlay) const {
  const TimeRange bounded = Bounded(range);
  // The selector's range is open to the left.
  const int64_t length = std::max<int64_t>(bounded.max_ms - bounded.min_ms + 1, 1);
  const Parameters parameters = {
      {"query", SelectorText(matchers) + "[" + std::to_string(length) + "ms]"},
      {"time", SecondsText(bounded.max_ms)}};
  ASSIGN_OR_RETURN(const JsonValue data, DataOf(Ask("/api/v1/query", parameters, hints.canceled),
                                                UrlWithoutSecrets(url_)));
  std::vector<ReadSet::Entry> entries;
  const JsonValue* result = data.Find("result");
  if (result != nullptr && result->AsArray() != nullptr) {
    for (const JsonValue& series : *result->AsArray()) {
      ReadSet::Entry entry{.labels = Labels::Intern(ReadLabels(series.Find("metric")), overlay)};
      RETURN_IF_ERROR(ReadValues(series, entry.columns));
      entries.push_back(std::move(entry));
    }
  }
  return std::unique_ptr<SeriesSet>(std::make_unique<ReadSet>(std::move(entries)));
}

Result<std::vector<LabelSet>> HttpQuerier::SeriesAt(std::span<const Matcher> matchers, int64_t t_ms,
                                                    const std::function<bool()>& canceled) const {
  const Parameters parameters = {{"query", SelectorText(matchers)}, {"time", SecondsText(t_ms)}};
  ASSIGN_OR_RETURN(const JsonValue data, DataOf(Ask("/api/v1/query", parameters, canceled),
                                                UrlWithoutSecrets(url_)));
  std::vector<LabelSet> found;
  const JsonValue* result = data.Find("result");
  if (result != nullptr && result->AsArray() != nullptr) {
    for (const JsonValue& series : *result->AsArray()) {
      found.push_back(ReadLabels(series.Find("metric")));
    }
  }
  return found;
}

namespace {

std::vector<std::pair<std::string, std::string>> SelectionParameters(Querier::Selectors selectors,
                                                                     TimeRange range) {
  const TimeRange bounded = Bounded(range);
  std::vector<std::pair<std::string, std::string>> parameters = {
      {"start", SecondsText(bounded.min_ms)}, {"end", SecondsText(bounded.max_ms)}};
  for (const std::vector<Matcher>& selector : selectors) {
    parameters.emplace_back("match[]", SelectorText(selector));
  }
  return parameters;
}

}  // namespace

Result<std::vector<std::string>> HttpQuerier::LabelNames(Selectors selectors,
                                                         TimeRange range) const {
  ASSIGN_OR_RETURN(const JsonValue data,
                   DataOf(Ask("/api/v1/labels", SelectionParameters(selectors, range), {}), url_));
  return Texts(&data);
}

Result<std::vector<std::string>> HttpQuerier::LabelValues(std::string_view name,
                                                          Selectors selectors,
                                                          TimeRange range) const {
  ASSIGN_OR_RETURN(const JsonValue data, DataOf(Ask("/api/v1/label/" + UrlEncode(name) + "/values",
                                                    SelectionParameters(selectors, range), {}),
                                                url_));
  return Texts(&data);
}

Result<std::vector<LabelSet>> HttpQuerier::Series(Selectors selectors, TimeRange range) const {
  Parameters parameters = SelectionParameters(selectors, range);
  if (selectors.empty()) parameters.emplace_back("match[]", "{__name__=~\".+\"}");
  ASSIGN_OR_RETURN(const JsonValue data, DataOf(Ask("/api/v1/series", parameters, {}), url_));
  std::vector<LabelSet> series;
  if (data.AsArray() != nullptr) {
    for (const JsonValue& labels : *data.AsArray()) series.push_back(ReadLabels(&labels));
  }
  return series;
}

}  // namespace tocsin
