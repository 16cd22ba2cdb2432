#include "engine/storage/http_querier.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
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

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// 1764000000.25 as milliseconds: what servers write, and no other number.
std::optional<int64_t> TakeTime(std::string_view& text) {
  int64_t seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || seconds < 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  int64_t ms = seconds * 1000;
  if (!TakePrefix(text, ".")) return ms;
  for (int64_t unit = 100; !text.empty() && text[0] >= '0' && text[0] <= '9'; unit /= 10) {
    if (unit == 0) return std::nullopt;
    ms += (text[0] - '0') * unit;
    text.remove_prefix(1);
  }
  return ms;
}

std::optional<double> ReadValue(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return ParseGoFloat(text);
}

// Takes [time,"value"],…] with its last bracket from the front. False when it is written otherwise.
bool TakeSamples(std::string_view& text, SampleColumns& columns) {
  do {
    if (!TakePrefix(text, "[")) return false;
    const std::optional<int64_t> t_ms = TakeTime(text);
    if (!t_ms || !TakePrefix(text, ",\"")) return false;
    const size_t quote = text.find('"');
    if (quote == std::string_view::npos) return false;
    const std::optional<double> value = ReadValue(text.substr(0, quote));
    if (!value) return false;
    text.remove_prefix(quote);
    if (!TakePrefix(text, "\"]")) return false;
    columns.t_ms.push_back(*t_ms);
    columns.values.push_back(*value);
  } while (TakePrefix(text, ","));
  return TakePrefix(text, "]");
}

// An answer without its samples, which are nearly all of it: "values":[[1,"2"],…] of each series is
// "values":[n] instead, n being the place of its samples. Samples of an answer that is not written
// as servers write it stay in the text.
struct CutAnswer {
  std::string text;
  std::vector<SampleColumns> samples;
};

CutAnswer CutSamples(std::string_view body) {
  // Quotes in a label value are escaped, so that this is a key wherever it stands.
  constexpr std::string_view kKey = "\"values\":[";
  CutAnswer answer;
  for (size_t key = body.find(kKey); key != std::string_view::npos; key = body.find(kKey)) {
    answer.text += body.substr(0, key + kKey.size());
    body.remove_prefix(key + kKey.size());
    std::string_view rest = body;
    SampleColumns columns;
    if (!TakeSamples(rest, columns)) continue;
    answer.text += std::to_string(answer.samples.size()) + "]";
    answer.samples.push_back(std::move(columns));
    body = rest;
  }
  answer.text += body;
  return answer;
}

Status ReadValues(const JsonValue& series, std::vector<SampleColumns>& cut,
                  SampleColumns& columns) {
  if (series.Find("histograms") != nullptr) {
    return ExecutionError("native histograms cannot be read through the query API");
  }
  const JsonValue* values = series.Find("values");
  if (values == nullptr || values->AsArray() == nullptr) return Ok();
  const double* const place =
      values->AsArray()->size() == 1 ? values->AsArray()->front().AsNumber() : nullptr;
  if (place != nullptr && *place >= 0 && *place < static_cast<double>(cut.size())) {
    columns = std::move(cut[static_cast<size_t>(*place)]);
    return Ok();
  }
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

// The whole answer, which has the member `data`.
Result<JsonValue> ReadAnswer(std::string_view body, const std::string& place) {
  Result<JsonValue> answer = JsonValue::Parse(body);
  if (!answer.ok() || answer->Find("status") == nullptr) {
    return Unavailable(place + ": not an answer of Prometheus' API");
  }
  if (answer->Find("status")->TextOrEmpty() != "success") {
    const JsonValue* error = answer->Find("error");
    return ExecutionError(place + ": " +
                          (error == nullptr ? "failed" : std::string(error->TextOrEmpty())));
  }
  return answer;
}

Result<JsonValue> AnswerOf(const Result<std::string>& body, const std::string& place) {
  if (!body.ok()) return body.error();
  return ReadAnswer(*body, place);
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
  ASSIGN_OR_RETURN(const std::string body, Ask("/api/v1/query", parameters, hints.canceled));
  CutAnswer cut = CutSamples(body);
  ASSIGN_OR_RETURN(const JsonValue answer, ReadAnswer(cut.text, UrlWithoutSecrets(url_)));
  std::vector<ReadSet::Entry> entries;
  const JsonValue* result = answer.Find("data", "result");
  if (result != nullptr && result->AsArray() != nullptr) {
    for (const JsonValue& series : *result->AsArray()) {
      ReadSet::Entry entry{.labels = Labels::Intern(ReadLabels(series.Find("metric")), overlay)};
      RETURN_IF_ERROR(ReadValues(series, cut.samples, entry.columns));
      entries.push_back(std::move(entry));
    }
  }
  return std::unique_ptr<SeriesSet>(std::make_unique<ReadSet>(std::move(entries)));
}

Result<std::vector<LabelSet>> HttpQuerier::SeriesAt(std::span<const Matcher> matchers, int64_t t_ms,
                                                    const std::function<bool()>& canceled) const {
  const Parameters parameters = {{"query", SelectorText(matchers)}, {"time", SecondsText(t_ms)}};
  ASSIGN_OR_RETURN(const JsonValue answer,
                   AnswerOf(Ask("/api/v1/query", parameters, canceled), UrlWithoutSecrets(url_)));
  std::vector<LabelSet> found;
  const JsonValue* result = answer.Find("data", "result");
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
  ASSIGN_OR_RETURN(const JsonValue answer,
                   AnswerOf(Ask("/api/v1/labels", SelectionParameters(selectors, range), {}),
                            UrlWithoutSecrets(url_)));
  return Texts(answer.Find("data"));
}

Result<std::vector<std::string>> HttpQuerier::LabelValues(std::string_view name,
                                                          Selectors selectors,
                                                          TimeRange range) const {
  ASSIGN_OR_RETURN(const JsonValue answer,
                   AnswerOf(Ask("/api/v1/label/" + UrlEncode(name) + "/values",
                                SelectionParameters(selectors, range), {}),
                            UrlWithoutSecrets(url_)));
  return Texts(answer.Find("data"));
}

Result<std::vector<LabelSet>> HttpQuerier::Series(Selectors selectors, TimeRange range) const {
  Parameters parameters = SelectionParameters(selectors, range);
  if (selectors.empty()) parameters.emplace_back("match[]", "{__name__=~\".+\"}");
  ASSIGN_OR_RETURN(const JsonValue answer,
                   AnswerOf(Ask("/api/v1/series", parameters, {}), UrlWithoutSecrets(url_)));
  std::vector<LabelSet> series;
  const JsonValue* const data = answer.Find("data");
  if (data != nullptr && data->AsArray() != nullptr) {
    for (const JsonValue& labels : *data->AsArray()) series.push_back(ReadLabels(&labels));
  }
  return series;
}

}  // namespace tocsin
