// What a gate asks the server of figures.
#include <algorithm>
#include <cmath>

#include "base/quantity.h"
#include "delivery/gate/gate_run.h"

namespace tocsin::delivery {

std::string FilledQuery(std::string text, const std::string& color, Duration window) {
  const std::pair<std::string_view, std::string> places[] = {
      {"${color}", color}, {"${window}", FormatPrometheusDuration(window)}};
  for (const auto& [place, value] : places) {
    for (size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += value.size()) {
      text.replace(at, place.size(), value);
    }
  }
  return text;
}

std::vector<std::string> GateRun::Expressions(std::string_view query, const std::string& color,
                                              Duration window) const {
  std::vector<std::string> expressions;
  const auto given = inputs_.spec.queries.find(std::string(query));
  if (given != inputs_.spec.queries.end()) {
    expressions = given->second;
  } else {
    for (const GateQuery& row : DefaultGateQueries()) {
      if (row.name == query) expressions = row.alternatives;
    }
  }
  for (std::string& text : expressions) text = FilledQuery(text, color, window);
  return expressions;
}

GateRun::Answer GateRun::AskOne(const std::string& expr, Timestamp at) {
  Answer answer{.query = expr};
  const Result<std::vector<MetricSample>> samples = world_.metrics.Query(expr, at);
  if (!samples.ok()) {
    const ErrorCode code = samples.error().code;
    const bool unreachable = code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout;
    answer.verdict = unreachable ? GateVerdict::kUnreachable : GateVerdict::kError;
    answer.why = samples.error().message;
    return answer;
  }
  if (samples->empty()) {
    answer.why = "no data";
  } else if (samples->size() > 1) {
    answer.verdict = GateVerdict::kError;
    answer.why = std::to_string(samples->size()) +
                 " series where one is meant; aggregate them, with max() or sum()";
  } else if (!std::isfinite((*samples)[0].value)) {
    answer.why = std::isnan((*samples)[0].value) ? "the value is NaN" : "the value is infinite";
  } else {
    answer.value = (*samples)[0].value;
  }
  return answer;
}

// The first alternative that has an answer; else what was wrong with the first.
GateRun::Answer GateRun::Ask(std::string_view query, const std::string& color) {
  std::optional<Answer> first;
  for (const std::string& expr : Expressions(query, color)) {
    Answer answer = AskOne(expr, world_.load.journey.clock.Now());
    if (answer.value || answer.verdict != GateVerdict::kInconclusive) return answer;
    if (!first) first = std::move(answer);
  }
  return first ? *first : Answer{.verdict = GateVerdict::kError, .why = "there is no query"};
}

GateRun::Answer GateRun::Base(std::string_view query) {
  if (!inputs_.baseline.empty()) {
    Answer answer = Ask(query, inputs_.baseline);
    if (!answer.value) answer.why = "baseline " + inputs_.baseline + ": " + answer.why;
    return answer;
  }
  const auto recorded = inputs_.recorded.find(std::string(query));
  if (recorded != inputs_.recorded.end()) return {.value = recorded->second};
  return {.why = "no baseline: give --baseline or --baseline-file"};
}

// A process grows in its first minutes: the baseline is asked for the time when it was as old as
// the new color is now. When that was before the store begins, or the baseline is the younger one,
// its present memory is taken.
GateRun::Answer GateRun::BaseMemory() {
  const Timestamp now = world_.load.journey.clock.Now();
  if (inputs_.baseline.empty()) return Base("memory_usage");
  const Answer own_start = Ask("started", inputs_.color);
  const Answer base_start = Ask("started", inputs_.baseline);
  if (own_start.value && base_start.value) {
    const Timestamp then =
        FromMs(std::llround((*base_start.value + ToSeconds(now) - *own_start.value) * 1000));
    const std::vector<std::string> expressions = Expressions("memory_at", inputs_.baseline);
    if (then < now && !expressions.empty()) {
      if (Answer answer = AskOne(expressions[0], then); answer.value) return answer;
    }
  }
  Answer answer = Base("memory_usage");
  if (answer.value) answer.why = "compared with the baseline's present memory";
  return answer;
}

GateRun::Answer GateRun::Trust(bool needs_requests) {
  Answer trust = Ask("age", inputs_.color);
  if (!trust.value) {
    trust.why = "the age of the samples is not known: " + trust.why;
    return trust;
  }
  const double limit = ToSeconds(inputs_.spec.max_age);
  if (*trust.value > limit) {
    return {.why = "the newest sample is " + FormatSpan(*trust.value) + " old"};
  }
  if (!needs_requests) return {.value = 0};
  const Answer requests = Ask("requests", inputs_.color);
  if (!requests.value) {
    return {.verdict = requests.verdict, .why = "the number of requests: " + requests.why};
  }
  Answer answer{.value = 0, .samples = static_cast<uint64_t>(std::max(*requests.value, 0.0))};
  if (*requests.value < inputs_.spec.min_requests) {
    answer.why = FormatQuantity(*requests.value, GateUnit::kNumber) + " requests in " +
                 FormatPrometheusDuration(inputs_.spec.window) + ", fewer than min_requests, " +
                 FormatQuantity(inputs_.spec.min_requests, GateUnit::kNumber);
  }
  return answer;
}

}  // namespace tocsin::delivery
