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

struct MetricPoint {
  Timestamp at{};
  double value = 0;
};

struct MetricSeries {
  LabelSet labels;
  std::vector<MetricPoint> points;  // oldest first; a step without a value has none
};

// from, from + step, …, up to and including `to`.
struct MetricSteps {
  Timestamp from{};
  Timestamp to{};
  Duration step{};
};

class MetricSource {
 public:
  virtual ~MetricSource() = default;
  // The value of an expression at a time; a scalar is one sample without labels. kUnavailable or
  // kTimeout: the server cannot be asked; kExecution: it refuses the expression.
  virtual Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) = 0;
  // Its values at several times; errors as above.
  virtual Result<std::vector<MetricSeries>> QueryRange(const std::string& expr,
                                                       const MetricSteps& steps) = 0;
};

class HttpMetricSource final : public MetricSource {
 public:
  // `url` without a path: "http://127.0.0.1:9977".
  HttpMetricSource(HttpClient& http, std::string url, Duration timeout)
      : http_(http), url_(std::move(url)), timeout_(timeout) {}
  Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) override;
  Result<std::vector<MetricSeries>> QueryRange(const std::string& expr,
                                               const MetricSteps& steps) override;

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

struct RecordedRange {
  std::string expr;
  MetricSteps steps;
  Result<std::vector<MetricSeries>> answer;
};

struct Recording {
  std::vector<RecordedAnswer> answers;
  std::vector<RecordedRange> ranges;
};

// Keeps everything that was asked.
class RecordingSource final : public MetricSource {
 public:
  explicit RecordingSource(MetricSource& source) : source_(source) {}
  Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) override;
  Result<std::vector<MetricSeries>> QueryRange(const std::string& expr,
                                               const MetricSteps& steps) override;
  const Recording& recording() const { return recording_; }

 private:
  MetricSource& source_;
  Recording recording_;
};

// Answers as it was answered, whatever the time: the first question of an expression gets its first
// answer, and so on; the last is repeated. A question that was never asked is kNotFound.
class ReplaySource final : public MetricSource {
 public:
  explicit ReplaySource(Recording recording);
  Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) override;
  Result<std::vector<MetricSeries>> QueryRange(const std::string& expr,
                                               const MetricSteps& steps) override;

 private:
  template <typename T>
  struct Queue {
    std::vector<Result<std::vector<T>>> answers;
    size_t next = 0;
  };
  template <typename T>
  using Queues = std::map<std::string, Queue<T>>;  // by expression
  template <typename T>
  static Result<std::vector<T>> Next(Queues<T>& queues, const std::string& expr);

  Queues<MetricSample> queues_;
  Queues<MetricSeries> range_queues_;
};

// What was asked and answered as JSON and back.
std::string WriteRecording(const Recording& recording);
Result<Recording> ReadRecording(std::string_view json);

}  // namespace tocsin::delivery
