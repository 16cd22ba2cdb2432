// Gates on tables: figures from a map of expressions, an app that answers as told, a fake clock.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "delivery/gate/gate_run.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"

namespace tocsin::delivery {

inline constexpr const char* kGates = R"(
gates:
  health_check: {timeout: 10s, retries: 1, samples: 4, endpoints: [/health], success_rate: 100%}
  performance_validation: {response_time_p95: 1000ms, memory_usage_max: 1GB, error_rate_max: 0.01}
  load_testing: {duration: 2s, rate: 50, concurrent_users: 1, success_rate: 99%}
  rollback_criteria:
    response_time_degradation: 50%
    error_rate_spike: 5%
    error_rate_increase: 1%
    memory_usage_spike: 100%
)";

// Answers by what an expression contains; the longest pattern counts.
class TableSource final : public MetricSource {
 public:
  using Answer = Result<std::vector<MetricSample>>;
  void Set(const std::string& pattern, Answer answer) {
    table_.insert_or_assign(pattern, std::move(answer));
  }
  void Set(const std::string& pattern, double value) {
    Set(pattern, std::vector<MetricSample>{{.labels = {}, .value = value}});
  }
  using RangeAnswer = Result<std::vector<MetricSeries>>;
  void SetRange(const std::string& pattern, RangeAnswer answer) {
    ranges_.insert_or_assign(pattern, std::move(answer));
  }
  void SetRange(const std::string& pattern, const std::vector<double>& values) {
    MetricSeries series;
    for (const double value : values) series.points.push_back({.at = {}, .value = value});
    SetRange(pattern, std::vector<MetricSeries>{series});
  }
  RangeAnswer QueryRange(const std::string& expr, const MetricSteps& steps) override {
    last_steps = steps;
    const RangeAnswer* found = Longest(ranges_, expr);
    return found == nullptr ? RangeAnswer(std::vector<MetricSeries>()) : *found;
  }
  Answer Query(const std::string& expr, Timestamp) override {
    const Answer* found = Longest(table_, expr);
    return found == nullptr ? Answer(std::vector<MetricSample>()) : *found;
  }

  MetricSteps last_steps;

 private:
  template <typename T>
  static const T* Longest(const std::map<std::string, T>& table, const std::string& expr) {
    const T* found = nullptr;
    size_t longest = 0;
    for (const auto& [pattern, answer] : table) {
      if (expr.find(pattern) == std::string::npos || pattern.size() < longest) continue;
      longest = pattern.size();
      found = &answer;
    }
    return found;
  }

  std::map<std::string, Answer> table_;
  std::map<std::string, RangeAnswer> ranges_;
};

class GateTest : public testing::Test {
 protected:
  GateTest() {
    http_.Handle("http://green", [this](const HttpRequest&) -> Result<HttpResponse> {
      clock_.Advance(latency_);
      HttpResponse response;
      response.status = status_(requests_++);
      return response;
    });
    for (const char* color : {"green", "blue"}) {
      const std::string label = "color=\"" + std::string(color) + "\"";
      figures_.Set("time() - max(timestamp(http_requests_total{" + label, 5);
      figures_.Set("sum(increase(http_requests_total{" + label, 3000);
      figures_.Set("max(http_request_duration_seconds{" + label, 0.2);
      figures_.Set("max(max_over_time(process_resident_memory_bytes{" + label, 3e8);
      figures_.Set("(sum(rate(http_requests_total{" + label, 0.001);
      figures_.Set("max(process_resident_memory_bytes{" + label, 2.5e8);
    }
    figures_.Set("min(process_start_time_seconds{color=\"green\"", 1'700'000'000 - 600.0);
    figures_.Set("min(process_start_time_seconds{color=\"blue\"", 1'700'000'000 - 86400.0);
    inputs_.color = "green";
    inputs_.baseline = "blue";
    Gates(kGates);
  }
  void Gates(const char* text) {
    Result<GateSpec> spec = ParseGateFile("g.yml", text);
    ASSERT_TRUE(spec.ok()) << spec.error().message;
    inputs_.spec = *spec;
  }
  GateReport Run(GatePhase phase) {
    inputs_.phase = phase;
    GateRun run(inputs_, World());
    return run.Run();
  }
  GateWorld World() {
    return {.load = {.journey = {.clock = clock_,
                                 .http = http_,
                                 .pause =
                                     [this](Duration time) {
                                       clock_.Advance(time);
                                       ++pauses_;
                                       return true;
                                     },
                                 .base_url = "http://green"},
                     .sleep_until =
                         [this](SteadyTime time) {
                           const auto left = std::chrono::ceil<Duration>(time - clock_.Steady());
                           if (left > Duration::zero()) clock_.Advance(left);
                           return true;
                         },
                     .users = LoadWorld::Users::kInline},
            .metrics = figures_};
  }
  static const GateCheck& Find(const GateReport& report, std::string_view id) {
    for (const GateCheck& check : report.checks) {
      if (check.id == id) return check;
    }
    ADD_FAILURE() << "no check " << id << " in\n" << RenderGateText(report, false);
    static const GateCheck kNone;
    return kNone;
  }

  testing_support::FakeClock clock_;
  testing_support::FakeHttp http_;
  TableSource figures_;
  GateInputs inputs_;
  std::chrono::milliseconds latency_{10};
  int requests_ = 0;
  int pauses_ = 0;
  std::function<int(int)> status_ = [](int) { return 200; };
};

}  // namespace tocsin::delivery
