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

void WriteAnswer(const RecordedAnswer& recorded, JsonWriter& json) {
  json.BeginObject().Field("expr", recorded.expr).Field("at", FormatRfc3339(recorded.at));
  if (!recorded.answer.ok()) {
    json.Field("code", static_cast<int>(recorded.answer.error().code));
    json.Field("error", recorded.answer.error().message).EndObject();
    return;
  }
  json.Key("samples").BeginArray();
  for (const MetricSample& sample : *recorded.answer) {
    json.BeginObject().Key("labels").BeginObject();
    for (const auto& [name, value] : sample.labels) json.Field(name, value);
    json.EndObject().Field("value", FormatJsonSample(sample.value)).EndObject();
  }
  json.EndArray().EndObject();
}

Result<std::vector<MetricSample>> ReadSamples(const JsonValue& json) {
  std::vector<MetricSample> samples;
  const JsonValue* const list = json.Find("samples");
  if (list == nullptr || list->AsArray() == nullptr) {
    const JsonValue* const code = json.Find("code");
    const JsonValue* const error = json.Find("error");
    const bool whole = code != nullptr && code->AsNumber() != nullptr && error != nullptr;
    if (!whole) return InternalError("the recorded answer is neither samples nor an error");
    return Error{static_cast<ErrorCode>(static_cast<int>(*code->AsNumber())),
                 std::string(error->TextOrEmpty())};
  }
  for (const JsonValue& one : *list->AsArray()) {
    const JsonValue* const value = one.Find("value");
    const std::optional<double> number =
        value == nullptr ? std::nullopt : ParseGoFloat(value->TextOrEmpty());
    if (!number) return InternalError("a recorded sample has no value");
    samples.push_back({.labels = ReadLabels(one.Find("labels")), .value = *number});
  }
  return samples;
}

}  // namespace

Result<std::vector<MetricSample>> HttpMetricSource::Query(const std::string& expr, Timestamp at) {
  HttpRequest request;
  request.method = "POST";
  request.url = url_ + "/api/v1/query";
  request.timeout = timeout_;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = "query=" + UrlEncode(expr) + "&time=" + FormatGoF(ToSeconds(at));
  ASSIGN_OR_RETURN(const HttpResponse response, http_.Fetch(request));
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
  return data == nullptr ? ExecutionError("the answer has no data") : ReadResult(*data);
}

Result<std::vector<MetricSample>> RecordingSource::Query(const std::string& expr, Timestamp at) {
  Result<std::vector<MetricSample>> answer = source_.Query(expr, at);
  answers_.push_back({.expr = expr, .at = at, .answer = answer});
  return answer;
}

ReplaySource::ReplaySource(std::vector<RecordedAnswer> answers) {
  for (RecordedAnswer& answer : answers) {
    queues_[answer.expr].answers.push_back(std::move(answer.answer));
  }
}

Result<std::vector<MetricSample>> ReplaySource::Query(const std::string& expr, Timestamp) {
  const auto found = queues_.find(expr);
  if (found == queues_.end()) return NotFound("the bundle has no answer to " + expr);
  Queue& queue = found->second;
  const size_t turn = std::min(queue.next++, queue.answers.size() - 1);
  return queue.answers[turn];
}

std::string WriteAnswers(const std::vector<RecordedAnswer>& answers) {
  JsonWriter json;
  json.BeginArray();
  for (const RecordedAnswer& answer : answers) WriteAnswer(answer, json);
  json.EndArray();
  return json.Take();
}

Result<std::vector<RecordedAnswer>> ReadAnswers(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(text));
  if (json.AsArray() == nullptr) return InvalidArgument("a list of answers is expected");
  std::vector<RecordedAnswer> answers;
  for (const JsonValue& one : *json.AsArray()) {
    const JsonValue* const expr = one.Find("expr");
    const JsonValue* const at = one.Find("at");
    if (expr == nullptr || at == nullptr) return InvalidArgument("an answer without expr or at");
    ASSIGN_OR_RETURN(const Timestamp time, ParseRfc3339(at->TextOrEmpty()));
    answers.push_back(
        {.expr = std::string(expr->TextOrEmpty()), .at = time, .answer = ReadSamples(one)});
  }
  return answers;
}

}  // namespace tocsin::delivery
