// Journeys as probes, at an app that is a table of answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/journey/journey_collector.h"
#include "exporters/journey/journey_families.h"
#include "tests/exporters/table_sink.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"

namespace tocsin {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::FakeClock;
using testing_support::FakeHttp;
using testing_support::TableSink;

constexpr const char* kJourneys = R"(
journeys:
  - name: upload
    steps:
      - {name: send, method: POST, path: /videos, expect: {status: 202}, capture: {video: id}}
      - name: done
        path: /videos/${video}
        poll: {interval: 1s, timeout: 1m}
        expect: {json: {state: done}}
    cleanup:
      - {name: remove, method: DELETE, path: "/videos/${video}", expect: {status: 204}}
  - name: list
    steps:
      - {path: /videos, expect: {status: 200}}
)";

class JourneyProbeTest : public testing::Test {
 protected:
  JourneyProbeTest() {
    config_.url = "https://app";
    config_.file = "journeys.yml";
    config_.text = kJourneys;
    Answer("/videos", 202, R"({"id": 7})");
    http_.Handle("https://app/videos/7", [this](const HttpRequest& request) {
      clock_.Advance(milliseconds(10));
      HttpResponse response;
      response.status = request.method == "DELETE" ? 204 : 200;
      response.body = ++asked_ < done_after_ ? R"({"state": "queued"})" : R"({"state": "done"})";
      return Result<HttpResponse>(response);
    });
  }
  void Answer(const std::string& path, int status, std::string body) {
    http_.Handle("https://app" + path, [=, this](const HttpRequest&) {
      clock_.Advance(milliseconds(10));
      HttpResponse response;
      response.status = status;
      response.body = body;
      return Result<HttpResponse>(response);
    });
  }
  void Run(Duration limit) {
    const Result<std::vector<delivery::Journey>> journeys =
        delivery::ParseJourneys(config_.file, config_.text);
    ASSERT_TRUE(journeys.ok()) << journeys.error().message;
    context_.deadline = clock_.Steady() + limit;
    RunJourneyProbe(
        config_, (*journeys)[0], http_, context_,
        [this](Duration span) {
          clock_.Advance(span);
          return true;
        },
        {}, sink_);
  }
  std::vector<std::string> Methods() const {
    std::vector<std::string> methods;
    for (const HttpRequest& request : http_.requests()) methods.push_back(request.method);
    return methods;
  }

  FakeClock clock_;
  FakeHttp http_;
  JourneyConfig config_;
  int asked_ = 0;
  int done_after_ = 3;
  TableSink sink_{kJourneyFamilies};
  CollectContext context_{.clock = clock_, .deadline = {}};
};

TEST_F(JourneyProbeTest, TellsOfEveryStepAndOfTheWhole) {
  Run(seconds(30));
  EXPECT_EQ(sink_.Value("journey_success"), 1);
  EXPECT_NEAR(sink_.Value("journey_duration_seconds"), 0.02, 1e-9);
  EXPECT_EQ(sink_.Value(R"(journey_step_success{step="done"})"), 1);
  EXPECT_EQ(sink_.Value(R"(journey_step_requests{step="done"})"), 3);
  EXPECT_EQ(sink_.Value(R"(journey_step_status_code{step="send"})"), 202);
  EXPECT_EQ(sink_.Value(R"(journey_step_status_code{step="remove"})"), 204);
  EXPECT_NEAR(sink_.Value(R"(journey_step_duration_seconds{step="send"})"), 0.01, 1e-9);
  EXPECT_THAT(context_.problems, ElementsAre());
}

TEST_F(JourneyProbeTest, AStepThatFailsIsToldAndThoseAfterItAreNotDone) {
  Answer("/videos", 503, "");
  Run(seconds(30));
  EXPECT_EQ(sink_.Value("journey_success"), 0);
  EXPECT_EQ(sink_.Value(R"(journey_step_success{step="send"})"), 0);
  EXPECT_EQ(sink_.Value(R"(journey_step_status_code{step="send"})"), 503);
  EXPECT_FALSE(sink_.Has(R"(journey_step_success{step="done"})"));
  EXPECT_THAT(context_.problems, ElementsAre("upload, send: status 503, expected 202"));
}

TEST_F(JourneyProbeTest, TheTimeLimitEndsPollingAndLeavesTimeToCleanUp) {
  done_after_ = 1000;
  const SteadyTime began = clock_.Steady();
  Run(seconds(10));
  EXPECT_EQ(sink_.Value("journey_success"), 0);
  EXPECT_EQ(sink_.Value(R"(journey_step_success{step="remove"})"), 1);
  EXPECT_LE(clock_.Steady() - began, seconds(8));
  EXPECT_THAT(Methods().back(), "DELETE");
  EXPECT_THAT(context_.problems, ElementsAre(HasSubstr("the time of the journey was over")));
}

TEST_F(JourneyProbeTest, EveryRequestHasWhatTheConfigurationSays) {
  config_.http.authorization_credentials = Secret("token");
  config_.http.tls.server_name = "shop.example";
  Run(seconds(10));
  for (const HttpRequest& request : http_.requests()) {
    EXPECT_THAT(request.headers, testing::Contains(testing::Pair("Authorization", "Bearer token")));
    EXPECT_EQ(request.tls.server_name, "shop.example");
    EXPECT_FALSE(request.follow_redirects);
    EXPECT_LE(request.timeout, seconds(10));
  }
}

Config With(const JourneyConfig& journey) {
  Config config;
  config.collectors.journey.push_back(journey);
  return config;
}

TEST_F(JourneyProbeTest, EachJourneyIsATargetOfItsOwn) {
  const std::vector<CollectorTarget> targets =
      JourneyCollectorSpec().targets(With(config_), "localhost:9977");
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].url, "tocsin://journey/https://app/upload");
  EXPECT_EQ(targets[1].config->labels.Get("journey"), "list");
  EXPECT_EQ(targets[1].config->job, "journey");
  EXPECT_EQ(targets[1].config->instance, "https://app");
  EXPECT_EQ(targets[1].config->interval, seconds(60));
  EXPECT_EQ(targets[1].config->timeout, seconds(60));
  config_.journeys = {"list"};
  EXPECT_EQ(JourneyCollectorSpec().targets(With(config_), "").size(), 1U);
}

TEST_F(JourneyProbeTest, AWrongFileIsAnErrorWithItsPlace) {
  struct Row {
    const char* text;
    std::vector<std::string> journeys;
    const char* error;
  };
  const Row rows[] = {
      {"journeys:\n  - {name: a}\n", {}, "journeys.yml:2:5: journey \"a\" has no steps"},
      {"journeys: []\n", {}, "journeys.yml:1:1: there are no journeys"},
      {kJourneys, {"lsit"}, "journeys.yml has no journey \"lsit\"; it has upload, list"}};
  for (const Row& row : rows) {
    config_.text = row.text;
    config_.journeys = row.journeys;
    const Status status = CheckCollectors(With(config_));
    ASSERT_FALSE(status.ok()) << row.text;
    EXPECT_EQ(status.error().message, row.error);
  }
}

}  // namespace
}  // namespace tocsin
