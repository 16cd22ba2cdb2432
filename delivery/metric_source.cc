#include "delivery/metric_source.h"

#include <algorithm>

#include "base/go_float.h"
#include "base/json.h"

namespace tocsin::delivery {
namespace {

LabelSet ReadLabels(const JsonValue* metric) {
  LabelSet labels;
  if (metric == nullptr || metric->AsObject() == nullptr) return labels;
  for (const auto& [name, value] : *metric->AsObject()) labels.Set(name, value.TextOrEmpty());
  return labels;
}

// Where points of a series are, in the API's answers and in recordings: [[time, "value"], …]
Result<std::vector<MetricPoint>> ReadPoints(const JsonValue* values) {
  std::vector<MetricPoint> points;
  if (values == nullptr || values->AsArray() == nullptr) return points;  // of histograms only
  points.reserve(values->AsArray()->size());
  for (const JsonValue& pair : *values->AsArray()) {
    const JsonValue::Array* const both = pair.AsArray();
    const bool whole = both != nullptr && both->size() == 2 && (*both)[0].AsNumber() != nullptr;
    const std::optional<double> value =
        whole ? ParseGoFloat((*both)[1].TextOrEmpty()) : std::nullopt;
    if (!value) return ExecutionError("the answer has a point that is no time and number");
    points.push_back({.at = Timestamp{FromSeconds(*(*both)[0].AsNumber())}, .value = *value});
  }
  return points;
}

Result<std::vector<MetricSeries>> ReadMatrix(const JsonValue& data) {
  const JsonValue* const type = data.Find("resultType");
  const JsonValue* const result = data.Find("result");
  if (type == nullptr || type->TextOrEmpty() != "matrix" || result == nullptr ||
      result->AsArray() == nullptr) {
    return ExecutionError("the answer is no matrix");
  }
  std::vector<MetricSeries> all;
  for (const JsonValue& series : *result->AsArray()) {
    ASSIGN_OR_RETURN(std::vector<MetricPoint> points, ReadPoints(series.Find("values")));
    all.push_back({.labels = ReadLabels(series.Find("metric")), .points = std::move(points)});
  }
  return all;
}

// [time, "value"]
Result<double> ReadValue(const JsonValue* pair) {
  if (pair == nullptr || pair->AsArray() == nullptr || pair->AsArray()->size() != 2) {
    return ExecutionError("the answer is no number; gates compare numbers");
  }
  const std::optional<double> value = ParseGoFloat((*pair->AsArray())[1].TextOrEmpty());
  if (!value) return ExecutionError("the answer is no number; gates compare numbers");
  return *value;
}

Result<std::vector<MetricSample>> ReadResult(const JsonValue& data) {
  const JsonValue* const type = data.Find("resultType");
  const JsonValue* const result = data.Find("result");
  std::vector<MetricSample> samples;
  if (type == nullptr || result == nullptr) return ExecutionError("the answer has no result");
  if (type->TextOrEmpty() == "scalar") {
    ASSIGN_OR_RETURN(const double value, ReadValue(result));
    samples.push_back({.labels = {}, .value = value});
    return samples;
  }
  if (type->TextOrEmpty() != "vector" || result->AsArray() == nullptr) {
    return ExecutionError("the answer is a " + std::string(type->TextOrEmpty()) +
                          "; gates need an instant vector or a scalar");
  }
  for (const JsonValue& series : *result->AsArray()) {
    ASSIGN_OR_RETURN(const double value, ReadValue(series.Find("value")));
    samples.push_back({.labels = ReadLabels(series.Find("metric")), .value = value});
  }
  return samples;
}

void WriteLabels(const LabelSet& labels, JsonWriter& json) {
  json.Key("labels").BeginObject();
  for (const auto& [name, value] : labels) json.Field(name, value);
  json.EndObject();
}

void WriteError(const Error& error, JsonWriter& json) {
  json.Field("code", static_cast<int>(error.code)).Field("error", error.message);
}

void WriteAnswer(const RecordedAnswer& recorded, JsonWriter& json) {
  json.BeginObject().Field("expr", recorded.expr).Field("at", FormatRfc3339(recorded.at));
  if (!recorded.answer.ok()) {
    WriteError(recorded.answer.error(), json);
    json.EndObject();
    return;
  }
  json.Key("samples").BeginArray();
  for (const MetricSample& sample : *recorded.answer) {
    json.BeginObject();
    WriteLabels(sample.labels, json);
    json.Field("value", FormatJsonSample(sample.value)).EndObject();
  }
  json.EndArray().EndObject();
}

void WriteRange(const RecordedRange& recorded, JsonWriter& json) {
  json.BeginObject()
      .Field("expr", recorded.expr)
      .Field("from", FormatRfc3339(recorded.steps.from))
      .Field("to", FormatRfc3339(recorded.steps.to))
      .Field("step", FormatPrometheusDuration(recorded.steps.step));
  if (!recorded.answer.ok()) {
    WriteError(recorded.answer.error(), json);
    json.EndObject();
    return;
  }
  json.Key("series").BeginArray();
  for (const MetricSeries& series : *recorded.answer) {
    json.BeginObject();
    WriteLabels(series.labels, json);
    json.Key("values").BeginArray();
    for (const MetricPoint& point : series.points) {
      json.BeginArray().Raw(FormatGoF(ToSeconds(point.at)));
      json.String(FormatJsonSample(point.value)).EndArray();
    }
    json.EndArray().EndObject();
  }
  json.EndArray().EndObject();
}

Error ReadError(const JsonValue& json) {
  const JsonValue* const code = json.Find("code");
  const JsonValue* const error = json.Find("error");
  const bool whole = code != nullptr && code->AsNumber() != nullptr && error != nullptr;
  if (!whole) return InternalError("the recorded answer is neither samples nor an error");
  return Error{static_cast<ErrorCode>(static_cast<int>(*code->AsNumber())),
               std::string(error->TextOrEmpty())};
}

Result<std::vector<MetricSample>> ReadSamples(const JsonValue& json) {
  std::vector<MetricSample> samples;
  const JsonValue* const list = json.Find("samples");
  if (list == nullptr || list->AsArray() == nullptr) return ReadError(json);
  for (const JsonValue& one : *list->AsArray()) {
    const JsonValue* const value = one.Find("value");
    const std::optional<double> number =
        value == nullptr ? std::nullopt : ParseGoFloat(value->TextOrEmpty());
    if (!number) return InternalError("a recorded sample has no value");
    samples.push_back({.labels = ReadLabels(one.Find("labels")), .value = *number});
  }
  return samples;
}

Result<std::vector<MetricSeries>> ReadSeries(const JsonValue& json) {
  std::vector<MetricSeries> all;
  const JsonValue* const list = json.Find("series");
  if (list == nullptr || list->AsArray() == nullptr) return ReadError(json);
  for (const JsonValue& one : *list->AsArray()) {
    ASSIGN_OR_RETURN(std::vector<MetricPoint> points, ReadPoints(one.Find("values")));
    all.push_back({.labels = ReadLabels(one.Find("labels")), .points = std::move(points)});
  }
  return all;
}

std::string_view TextOf(const JsonValue& json, std::string_view key) {
  const JsonValue* const value = json.Find(key);
  return value == nullptr ? std::string_view() : value->TextOrEmpty();
}

Result<RecordedAnswer> ReadRecordedAnswer(const JsonValue& one) {
  const Result<Timestamp> at = ParseRfc3339(TextOf(one, "at"));
  if (!at.ok() || TextOf(one, "expr").empty()) {
    return InvalidArgument("an answer without expr or at");
  }
  return RecordedAnswer{
      .expr = std::string(TextOf(one, "expr")), .at = *at, .answer = ReadSamples(one)};
}

Result<RecordedRange> ReadRecordedRange(const JsonValue& one) {
  const Result<Timestamp> from = ParseRfc3339(TextOf(one, "from"));
  const Result<Timestamp> to = ParseRfc3339(TextOf(one, "to"));
  const Result<Duration> step = ParsePrometheusDuration(TextOf(one, "step"));
  if (!from.ok() || !to.ok() || !step.ok() || TextOf(one, "expr").empty()) {
    return InvalidArgument("a range without expr, from, to or step");
  }
  return RecordedRange{.expr = std::string(TextOf(one, "expr")),
                       .steps = {.from = *from, .to = *to, .step = *step},
                       .answer = ReadSeries(one)};
}

// The member `data` of an answer of the API.
Result<JsonValue> AskApi(HttpClient& http, const std::string& url, std::string body,
                         Duration timeout) {
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.timeout = timeout;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = std::move(body);
  ASSIGN_OR_RETURN(const HttpResponse response, http.Fetch(request));
  const Result<JsonValue> answer = JsonValue::Parse(response.body);
  if (!answer.ok() || answer->Find("status") == nullptr) {
    return Unavailable(UrlWithoutSecrets(request.url) + ": status " +
                       std::to_string(response.status) + ", not an answer of Prometheus' API");
  }
  if (answer->Find("status")->TextOrEmpty() != "success") {
    const JsonValue* const error = answer->Find("error");
    std::string message(error == nullptr ? "failed" : error->TextOrEmpty());
    // 503 is the server's own trouble (overload, a time-out), everything else the expression's.
    if (response.status >= 500) return Unavailable(std::move(message));
    return ExecutionError(std::move(message));
  }
  const JsonValue* const data = answer->Find("data");
  if (data == nullptr) return ExecutionError("the answer has no data");
  return *data;
}

}  // namespace

Result<std::vector<MetricSample>> HttpMetricSource::Query(const std::string& expr, Timestamp at) {
  ASSIGN_OR_RETURN(
      const JsonValue data,
      AskApi(http_, url_ + "/api/v1/query",
             "query=" + UrlEncode(expr) + "&time=" + FormatGoF(ToSeconds(at)), timeout_));
  return ReadResult(data);
}

Result<std::vector<MetricSeries>> HttpMetricSource::QueryRange(const std::string& expr,
                                                               const MetricSteps& steps) {
  ASSIGN_OR_RETURN(const JsonValue data, AskApi(http_, url_ + "/api/v1/query_range",
                                                "query=" + UrlEncode(expr) +
                                                    "&start=" + FormatGoF(ToSeconds(steps.from)) +
                                                    "&end=" + FormatGoF(ToSeconds(steps.to)) +
                                                    "&step=" + FormatGoF(ToSeconds(steps.step)),
                                                timeout_));
  return ReadMatrix(data);
}

Result<std::vector<MetricSample>> RecordingSource::Query(const std::string& expr, Timestamp at) {
  Result<std::vector<MetricSample>> answer = source_.Query(expr, at);
  recording_.answers.push_back({.expr = expr, .at = at, .answer = answer});
  return answer;
}

Result<std::vector<MetricSeries>> RecordingSource::QueryRange(const std::string& expr,
                                                              const MetricSteps& steps) {
  Result<std::vector<MetricSeries>> answer = source_.QueryRange(expr, steps);
  recording_.ranges.push_back({.expr = expr, .steps = steps, .answer = answer});
  return answer;
}

ReplaySource::ReplaySource(Recording recording) {
  for (RecordedAnswer& answer : recording.answers) {
    queues_[answer.expr].answers.push_back(std::move(answer.answer));
  }
  for (RecordedRange& range : recording.ranges) {
    range_queues_[range.expr].answers.push_back(std::move(range.answer));
  }
}

template <typename T>
Result<std::vector<T>> ReplaySource::Next(Queues<T>& queues, const std::string& expr) {
  const auto found = queues.find(expr);
  if (found == queues.end()) return NotFound("the bundle has no answer to " + expr);
  Queue<T>& queue = found->second;
  const size_t turn = std::min(queue.next++, queue.answers.size() - 1);
  return queue.answers[turn];
}

Result<std::vector<MetricSample>> ReplaySource::Query(const std::string& expr, Timestamp) {
  return Next(queues_, expr);
}

Result<std::vector<MetricSeries>> ReplaySource::QueryRange(const std::string& expr,
                                                           const MetricSteps&) {
  return Next(range_queues_, expr);
}

std::string WriteRecording(const Recording& recording) {
  JsonWriter json;
  json.BeginArray();
  for (const RecordedAnswer& answer : recording.answers) WriteAnswer(answer, json);
  for (const RecordedRange& range : recording.ranges) WriteRange(range, json);
  json.EndArray();
  return json.Take();
}

Result<Recording> ReadRecording(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(text));
  if (json.AsArray() == nullptr) return InvalidArgument("a list of answers is expected");
  Recording recording;
  for (const JsonValue& one : *json.AsArray()) {
    if (one.Find("step") == nullptr) {
      ASSIGN_OR_RETURN(RecordedAnswer answer, ReadRecordedAnswer(one));
      recording.answers.push_back(std::move(answer));
    } else {
      ASSIGN_OR_RETURN(RecordedRange range, ReadRecordedRange(one));
      recording.ranges.push_back(std::move(range));
    }
  }
  return recording;
}

}  // namespace tocsin::delivery
