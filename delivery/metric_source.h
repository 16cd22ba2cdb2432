// Where gates and reports get their figures: a server with Prometheus' HTTP API, or what one said
// earlier.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"

namespace tocsin::delivery {

struct MetricSample {
  LabelSet labels;
  double value = 0;
};

class MetricSource {
 public:
  virtual ~MetricSource() = default;
  // The value of an expression at a time; a scalar is one sample without labels. kUnavailable or
  // kTimeout: the server cannot be asked; kExecution: it refuses the expression.
  virtual Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) = 0;
};

class HttpMetricSource final : public MetricSource {
 public:
  // `url` without a path: "http://127.0.0.1:9977".
  HttpMetricSource(HttpClient& http, std::string url, Duration timeout)
      : http_(http), url_(std::move(url)), timeout_(timeout) {}
  Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) override;

 private:
  HttpClient& http_;
  const std::string url_;
  const Duration timeout_;
};

// One question and its answer.
struct RecordedAnswer {
  std::string expr;
  Timestamp at{};
  Result<std::vector<MetricSample>> answer;
};

// Keeps everything that was asked.
class RecordingSource final : public MetricSource {
 public:
  explicit RecordingSource(MetricSource& source) : source_(source) {}
  Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) override;
  const std::vector<RecordedAnswer>& answers() const { return answers_; }

 private:
  MetricSource& source_;
  std::vector<RecordedAnswer> answers_;
};

// Answers as it was answered, whatever the time: the first question of an expression gets its first
// answer, and so on; the last is repeated. A question that was never asked is kNotFound.
class ReplaySource final : public MetricSource {
 public:
  explicit ReplaySource(std::vector<RecordedAnswer> answers);
  Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) override;

 private:
  struct Queue {
    std::vector<Result<std::vector<MetricSample>>> answers;
    size_t next = 0;
  };
  std::map<std::string, Queue> queues_;  // by expression
};

// The answers as JSON and back.
std::string WriteAnswers(const std::vector<RecordedAnswer>& answers);
Result<std::vector<RecordedAnswer>> ReadAnswers(std::string_view json);

}  // namespace tocsin::delivery
