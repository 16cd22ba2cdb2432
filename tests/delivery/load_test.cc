// Load tests on a clock that only moves when the app answers or a user waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "delivery/load/load_run.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"

namespace tocsin::delivery {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::FakeClock;
using testing_support::FakeHttp;

TEST(LoadPlanTest, JourneysBeginAtAFixedRate) {
  const LoadPlan plan{.rate = 10, .duration = seconds(3), .mix = {SingleRequest("GET", "/")}};
  EXPECT_EQ(PlannedJourneys(plan), 30U);
  EXPECT_EQ(IntendedStart(plan, 0), nanoseconds(0));
  EXPECT_EQ(IntendedStart(plan, 25), milliseconds(2500));
}

// The naive twin: the rate added up in small steps.
TEST(LoadPlanTest, ARampReachesTheRateEvenly) {
  const LoadPlan plan{
      .rate = 100, .duration = seconds(10), .ramp = seconds(4), .mix = {SingleRequest("GET", "/")}};
  double begun = 0;
  uint64_t next = 0;
  for (int64_t ms = 0; ms < 10'000; ++ms) {
    while (static_cast<double>(next) <= begun && next < PlannedJourneys(plan)) {
      EXPECT_NEAR(static_cast<double>(IntendedStart(plan, next).count()) / 1e6,
                  static_cast<double>(ms), 25)
          << next;
      ++next;
    }
    begun += 100 * std::min(1.0, static_cast<double>(ms) / 4000) / 1000;
  }
  EXPECT_EQ(PlannedJourneys(plan), 800U);
  EXPECT_EQ(next, 800U);
}

TEST(LoadPlanTest, TheMixFollowsTheWeightsInEveryStretch) {
  LoadPlan plan{.mix = {SingleRequest("GET", "/a"), SingleRequest("GET", "/b"),
                        SingleRequest("GET", "/never")}};
  plan.mix[0].weight = 3;
  plan.mix[1].weight = 1;
  plan.mix[2].weight = 0;
  for (uint64_t from : {0, 1000, 54321}) {
    int counts[3] = {};
    for (uint64_t i = from; i < from + 100; ++i) ++counts[ChooseJourney(plan, i)];
    EXPECT_NEAR(counts[0], 75, 3);
    EXPECT_EQ(counts[2], 0);
  }
}

TEST(LoadPlanTest, WhatCannotBeDoneIsSaid) {
  const std::vector<Journey> mix = {SingleRequest("GET", "/")};
  EXPECT_TRUE(CheckPlan({.rate = 1, .mix = mix}).ok());
  EXPECT_FALSE(CheckPlan({.rate = -1, .mix = mix}).ok());
  EXPECT_FALSE(CheckPlan({.users = 0, .mix = mix}).ok());
  EXPECT_FALSE(CheckPlan({.users = 100'000, .mix = mix}).ok());
  EXPECT_FALSE(CheckPlan({.duration = seconds(0), .mix = mix}).ok());
  EXPECT_FALSE(CheckPlan({.duration = seconds(1), .ramp = seconds(2), .mix = mix}).ok());
  EXPECT_FALSE(CheckPlan({.mix = {}}).ok());
}

class LoadRunTest : public testing::Test {
 protected:
  LoadRunTest() {
    http_.Handle("http://app", [this](const HttpRequest&) -> Result<HttpResponse> {
      clock_.Advance(latency_(requests_));
      HttpResponse response;
      response.status = status_(requests_);
      ++requests_;
      return response;
    });
  }
  LoadReport Run(const LoadPlan& plan) {
    const LoadWorld world{.journey = {.clock = clock_, .http = http_, .base_url = "http://app"},
                          .sleep_until =
                              [this](SteadyTime time) {
                                const auto left =
                                    std::chrono::ceil<Duration>(time - clock_.Steady());
                                if (left > Duration::zero()) clock_.Advance(left);
                                return true;
                              },
                          .users = LoadWorld::Users::kInline};
    return RunLoad(plan, "run", world);
  }
  LoadPlan OpenLoop(double rate, Duration duration) const {
    return {.rate = rate, .users = 1, .duration = duration, .mix = {SingleRequest("GET", "/x")}};
  }

  FakeClock clock_;
  FakeHttp http_;
  int requests_ = 0;
  std::function<milliseconds(int)> latency_ = [](int) { return milliseconds(2); };
  std::function<int(int)> status_ = [](int) { return 200; };
};

TEST_F(LoadRunTest, AnOpenLoopSendsAsManyAsPlanned) {
  const LoadReport report = Run(OpenLoop(100, seconds(5)));
  EXPECT_EQ(report.started, 500U);
  EXPECT_EQ(report.succeeded, 500U);
  EXPECT_EQ(report.late, 0U);
  EXPECT_EQ(report.latency.Quantile(0.99), milliseconds(2));
  ASSERT_EQ(report.seconds.size(), 5U);
  EXPECT_EQ(report.seconds[2].started, 100U);
}

TEST_F(LoadRunTest, ReconnectsAreCountedAndAreNoFailures) {
  http_.Handle("http://app", [this](const HttpRequest&) -> Result<HttpResponse> {
    clock_.Advance(milliseconds(1));
    HttpResponse response;
    response.status = 200;
    response.reconnects = requests_++ % 100 == 99 ? 1 : 0;
    return response;
  });
  const LoadReport report = Run(OpenLoop(100, seconds(5)));
  EXPECT_EQ(report.reconnects, 5U);
  EXPECT_EQ(report.failed, 0U);
  EXPECT_EQ(report.steps.begin()->second.reconnects, 5U);
  EXPECT_THAT(RenderLoadText(report), HasSubstr("0 journeys began late, 5 reconnects\n"));
  EXPECT_THAT(RenderLoadJson(report), HasSubstr(R"("late":0,"reconnects":5)"));
}

// The app stands still for a second: a load generator that waits for it would send nothing and see
// one slow request. Users would have seen a hundred.
TEST_F(LoadRunTest, AStallCountsForEveryRequestThatShouldHaveBeenSent) {
  latency_ = [](int n) { return milliseconds(n == 100 ? 1000 : 1); };
  const LoadReport report = Run(OpenLoop(100, seconds(5)));
  EXPECT_EQ(report.started, 500U);
  EXPECT_EQ(report.latency.Max(), milliseconds(1000));
  EXPECT_GT(report.late, 99U);
  // The k-th after the stall waited 1000 - 10 k ms and each took 1 ms.
  EXPECT_NEAR(static_cast<double>(report.latency.Quantile(0.9).count()) / 1e6, 550, 60);
  EXPECT_EQ(report.seconds[1].slowest, milliseconds(1000));
}

TEST_F(LoadRunTest, ItEndsOnceTheRequiredSuccessIsOutOfReach) {
  status_ = [](int n) { return n % 2 == 0 ? 503 : 200; };
  LoadPlan plan = OpenLoop(100, seconds(5));
  plan.required_success = 0.99;
  const LoadReport report = Run(plan);
  EXPECT_TRUE(report.aborted);
  EXPECT_EQ(report.failed, 6U);  // of 500, 5 may fail
  EXPECT_LT(report.started, 13U);
  EXPECT_THAT(RenderLoadText(report), HasSubstr("of 500 planned journeys too many have failed"));
}

TEST_F(LoadRunTest, AClosedLoopWaitsForEachAnswer) {
  const LoadPlan plan{.users = 1, .duration = seconds(1), .mix = {SingleRequest("GET", "/x")}};
  const LoadReport report = Run(plan);
  EXPECT_EQ(report.started, 500U);
  EXPECT_EQ(report.planned, 0U);
}

// It has no number of journeys: at 2 ms each there are 500 in the second, of which 50 may fail.
TEST_F(LoadRunTest, AClosedLoopEndsWhenEvenItsFastestPaceCannotMakeUpForTheFailures) {
  status_ = [](int) { return 503; };
  LoadPlan plan{.users = 1, .duration = seconds(1), .mix = {SingleRequest("GET", "/x")}};
  plan.required_success = 0.9;
  const LoadReport report = Run(plan);
  EXPECT_TRUE(report.aborted);
  EXPECT_EQ(report.failed, 51U);
  EXPECT_THAT(RenderLoadText(report), HasSubstr("ended early: too many have failed"));
}

TEST_F(LoadRunTest, AClosedLoopGoesOnWhileTheSuccessIsInReach) {
  status_ = [](int n) { return n < 40 ? 503 : 200; };
  LoadPlan plan{.users = 1, .duration = seconds(1), .mix = {SingleRequest("GET", "/x")}};
  plan.required_success = 0.9;
  const LoadReport report = Run(plan);
  EXPECT_FALSE(report.aborted);
  EXPECT_EQ(report.succeeded, 460U);
}

class LoadSetupTest : public LoadRunTest {
 protected:
  LoadSetupTest() {
    http_.Handle("http://app", [this](const HttpRequest& request) -> Result<HttpResponse> {
      clock_.Advance(milliseconds(1));
      const std::string what = request.method + " " + request.url.substr(10);
      ++asked_[what];
      HttpResponse response;
      response.status = what == "POST /make/run-setup" ? made_ : 200;
      response.body = R"({"id":7})";
      return response;
    });
  }
  LoadReport RunList() {
    const Result<std::vector<Journey>> journeys = ParseJourneys("j.yml", R"(
journeys:
  - name: list
    setup:
      - {name: make, method: POST, path: "/make/${setup}", capture: {video: id}}
    steps:
      - {name: see, path: "/see/${video}", expect: {json: {id: "${video}"}}}
    teardown:
      - {method: DELETE, path: "/make/${video}"}
  - name: never
    weight: 0
    setup: [{path: /never}]
    steps: [{path: /never}]
)");
    EXPECT_TRUE(journeys.ok());
    return Run({.rate = 10, .users = 1, .duration = seconds(2), .mix = *journeys});
  }

  int made_ = 201;
  std::map<std::string, int> asked_;
};

TEST_F(LoadSetupTest, IsDoneOnceForAllRunsAndIsNoPartOfTheLoad) {
  const LoadReport report = RunList();
  EXPECT_EQ(report.succeeded, 20U);
  EXPECT_THAT(asked_,
              ElementsAre(testing::Pair("DELETE /make/7", 1), testing::Pair("GET /see/7", 20),
                          testing::Pair("POST /make/run-setup", 1)));
  EXPECT_EQ(report.latency.count(), 20U);
}

TEST_F(LoadSetupTest, WithoutItThereIsNoLoad) {
  made_ = 503;
  const LoadReport report = RunList();
  EXPECT_EQ(report.started, 0U);
  EXPECT_EQ(report.setup_problem, "list, make: status 503, expected 2xx");
  EXPECT_THAT(asked_, ElementsAre(testing::Pair("POST /make/run-setup", 1)));
  EXPECT_THAT(RenderLoadText(report), HasSubstr("no load: list, make: status 503"));
}

TEST_F(LoadRunTest, EqualProblemsAddUp) {
  status_ = [](int n) { return n < 3 ? 500 : 502; };
  const LoadReport report = Run(OpenLoop(10, seconds(1)));
  const StepStatistics& step = report.steps.at("GET /x: GET /x");
  EXPECT_EQ(step.failed, 10U);
  EXPECT_THAT(step.problems,
              ElementsAre(testing::Pair("status 500", 3U), testing::Pair("status 502", 7U)));
  EXPECT_EQ(report.success_ratio(), 0);
}

TEST_F(LoadRunTest, AnInterruptEndsTheRun) {
  int waits = 0;
  const LoadWorld world{.journey = {.clock = clock_, .http = http_, .base_url = "http://app"},
                        .sleep_until = [&waits](SteadyTime) { return ++waits <= 3; },
                        .users = LoadWorld::Users::kInline};
  const LoadReport report = RunLoad(OpenLoop(1, seconds(60)), "run", world);
  EXPECT_TRUE(report.interrupted);
  EXPECT_EQ(report.started, 3U);
}

TEST_F(LoadRunTest, UsersOnThreadsShareTheWork) {
  FakeHttp http;
  http.Answer("http://app", 200, "");
  const SystemClock clock;
  const LoadWorld world{.journey = {.clock = clock, .http = http, .base_url = "http://app"},
                        .sleep_until = [](SteadyTime) { return true; }};
  LoadPlan plan = OpenLoop(100'000, milliseconds(100));
  plan.users = 8;
  const LoadReport report = RunLoad(plan, "run", world);
  EXPECT_EQ(report.started, 10'000U);
  EXPECT_EQ(report.latency.count(), 10'000U);
}

}  // namespace
}  // namespace tocsin::delivery
