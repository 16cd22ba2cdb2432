#include "delivery/journey/journey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/journey/form_body.h"
#include "delivery/journey/journey_runner.h"
#include "delivery/journey/json_path.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"

namespace tocsin::delivery {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing_support::FakeClock;
using testing_support::FakeHttp;

constexpr const char* kUpload = R"(
journeys:
  - name: video_upload
    weight: 2
    steps:
      - name: upload
        method: POST
        path: /upload
        multipart:
          - {name: file, filename: a.mp4, content_type: video/mp4, size: 1KiB}
          - {name: project, value: "p-${run}"}
        expect: {status: 202, latency: 1s, json: {status: queued, id: "<number>"}}
        capture: {video: id}
      - path: /videos/${video}
        poll: {interval: 100ms, timeout: 1s}
        expect: {status: [200, 203], contains: "done-${video}"}
    cleanup:
      - {method: DELETE, path: "/videos/${video}"}
)";

TEST(JourneyFileTest, ReadsEveryField) {
  const Result<std::vector<Journey>> journeys = ParseJourneys("j.yml", kUpload);
  ASSERT_TRUE(journeys.ok()) << journeys.error().message;
  ASSERT_THAT(*journeys, SizeIs(1));
  const Journey& journey = (*journeys)[0];
  EXPECT_EQ(journey.weight, 2);
  ASSERT_THAT(journey.steps, SizeIs(2));
  EXPECT_EQ(journey.steps[0].multipart[0].size, 1024U);
  EXPECT_THAT(journey.steps[0].expect.statuses, ElementsAre(202));
  EXPECT_EQ(journey.steps[1].name, "GET /videos/${video}");
  EXPECT_THAT(journey.steps[1].expect.statuses, ElementsAre(200, 203));
  EXPECT_EQ(journey.steps[1].poll->timeout, milliseconds(1000));
  EXPECT_THAT(journey.cleanup, SizeIs(1));
}

TEST(JourneyFileTest, SaysWhatIsWrongAndWhere) {
  struct Row {
    const char* text;
    const char* error;
  };
  constexpr Row kRows[] = {
      {"journeys: []", "j.yml:1:1: there are no journeys"},
      {"journeys:\n- {name: a, steps: []}", "j.yml:2:3: journey \"a\" has no steps"},
      {"journeys:\n- {name: a, steps: [{path: x}]}", "a path begins with \"/\""},
      {"journeys:\n- {name: a, steps: [{path: /, expects: 1}]}", "did you mean \"expect\"?"},
      {"journeys:\n- {name: a, steps: [{path: /, expect: {status: 99}}]}", "100 to 599"},
      {"journeys:\n- {name: a, steps: [{path: /, expect: {latency: soon}}]}",
       "j.yml:2:49: \"soon\" is no duration"},
      {"journeys:\n- {name: a, steps: [{path: /}]}\n- {name: a, steps: [{path: /}]}",
       "j.yml:3:3: there are two journeys \"a\""},
      {"journeys:\n- {name: a, weight: -1, steps: [{path: /}]}", "a weight is 0 or more"},
      {"journeys:\n- {name: a, steps: [{path: /, multipart: [{name: f, size: 9GB}]}]}",
       "1GiB at the most"},
  };
  for (const Row& row : kRows) {
    const Result<std::vector<Journey>> journeys = ParseJourneys("j.yml", row.text);
    ASSERT_FALSE(journeys.ok()) << row.text;
    EXPECT_THAT(journeys.error().message, HasSubstr(row.error)) << row.text;
  }
}

TEST(JsonPathTest, WalksMembersAndIndexes) {
  const Result<JsonValue> json = JsonValue::Parse(R"({"a":{"b":[{"c":1.5},true,null]},"s":"x"})");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(ScalarText(*FindByPath(*json, "a.b.0.c")), "1.5");
  EXPECT_EQ(ScalarText(*FindByPath(*json, "a.b.1")), "true");
  EXPECT_EQ(TypeName(*FindByPath(*json, "a.b.2")), "null");
  EXPECT_EQ(TypeName(*FindByPath(*json, "")), "object");
  EXPECT_EQ(FindByPath(*json, "a.b.3"), nullptr);
  EXPECT_EQ(FindByPath(*json, "a.b.x"), nullptr);
  EXPECT_EQ(FindByPath(*json, "s.t"), nullptr);
}

TEST(FormBodyTest, IsMultipartFormData) {
  const FormBody form =
      EncodeForm({{.name = "a\"b", .value = "1"},
                  {.name = "f", .filename = "x", .content_type = "t/t", .size = 20}});
  const std::string boundary = form.content_type.substr(form.content_type.find('=') + 1);
  EXPECT_EQ(form.body, "--" + boundary +
                           "\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\n1\r\n--" +
                           boundary +
                           "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n"
                           "Content-Type: t/t\r\n\r\n0123456789abcdef0123\r\n--" +
                           boundary + "--\r\n");
}

class JourneyRunnerTest : public testing::Test {
 protected:
  // The app answers after `latency`, with what `answers` says for method and path.
  JourneyRunnerTest() {
    http_.Handle("http://app", [this](const HttpRequest& request) -> Result<HttpResponse> {
      clock_.Advance(latency_);
      asked_.push_back(request.method + " " + request.url.substr(10));
      bodies_.push_back(request.body);
      const auto found = answers_.find(asked_.back());
      if (found == answers_.end()) return Unavailable("GET http://app: connection refused");
      HttpResponse response;
      response.status = found->second.first;
      response.body = found->second.second;
      return response;
    });
  }
  JourneyOutcome Run(const char* file = kUpload) {
    const Result<std::vector<Journey>> journeys = ParseJourneys("j.yml", file);
    EXPECT_TRUE(journeys.ok());
    const JourneyWorld world{.clock = clock_,
                             .http = http_,
                             .pause =
                                 [this](Duration time) {
                                   clock_.Advance(time);
                                   return true;
                                 },
                             .base_url = "http://app",
                             .headers = {{"X-Color", "green"}}};
    return RunJourney((*journeys)[0], "r1", world);
  }

  FakeClock clock_;
  FakeHttp http_;
  milliseconds latency_{10};
  std::map<std::string, std::pair<int, std::string>> answers_{
      {"POST /upload", {202, R"({"id":7,"status":"queued"})"}},
      {"GET /videos/7", {200, "done-7"}},
      {"DELETE /videos/7", {204, ""}}};
  std::vector<std::string> asked_;
  std::vector<std::string> bodies_;
};

TEST_F(JourneyRunnerTest, CapturesAndCleansUp) {
  const JourneyOutcome outcome = Run();
  EXPECT_TRUE(outcome.ok);
  EXPECT_THAT(asked_, ElementsAre("POST /upload", "GET /videos/7", "DELETE /videos/7"));
  EXPECT_THAT(bodies_[0], HasSubstr("p-r1"));
  EXPECT_EQ(outcome.total, milliseconds(20));
  EXPECT_THAT(http_.requests()[0].headers,
              testing::Contains(std::pair<std::string, std::string>("X-Color", "green")));
}

TEST_F(JourneyRunnerTest, PollsUntilTheExpectationHoldsOrTheTimeIsOver) {
  answers_["GET /videos/7"] = {200, "waiting"};
  const JourneyOutcome outcome = Run();
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.steps[1].requests, 10);  // at 0, 110, … 990 ms
  EXPECT_EQ(outcome.steps[1].problem, "the answer does not contain \"done-7\", for 1s");
  EXPECT_EQ(asked_.back(), "DELETE /videos/7");  // in spite of the failure
}

constexpr char kList[] = R"(
journeys:
  - name: list
    setup:
      - {name: make, method: POST, path: /upload, body: "${setup}", expect: {status: 202}, capture: {video: id}}
    steps:
      - {name: see, path: "/videos/${video}", expect: {contains: "done-${video}"}}
    teardown:
      - {name: remove, method: DELETE, path: "/videos/${video}"}
)";

TEST_F(JourneyRunnerTest, ASetupComesFirstAndTheTeardownLast) {
  const JourneyOutcome outcome = Run(kList);
  EXPECT_TRUE(outcome.ok);
  EXPECT_THAT(asked_, ElementsAre("POST /upload", "GET /videos/7", "DELETE /videos/7"));
  EXPECT_EQ(bodies_[0], "r1");
  EXPECT_EQ(outcome.total, milliseconds(10));  // of the steps alone
  EXPECT_THAT(outcome.steps, SizeIs(3));
}

TEST_F(JourneyRunnerTest, WithoutItsSetupAJourneyHasFailed) {
  answers_["POST /upload"] = {503, ""};
  const JourneyOutcome outcome = Run(kList);
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(asked_, ElementsAre("POST /upload"));
  EXPECT_EQ(outcome.steps.back().problem, "status 503, expected 202");
}

TEST_F(JourneyRunnerTest, ATeardownThatFailsFailsTheJourney) {
  answers_["DELETE /videos/7"] = {500, ""};
  const JourneyOutcome outcome = Run(kList);
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.steps.back().name, "remove");
}

TEST_F(JourneyRunnerTest, WhatWasNeverMadeIsNotCleanedUp) {
  answers_["POST /upload"] = {500, "no"};
  const JourneyOutcome outcome = Run();
  ASSERT_THAT(outcome.steps, SizeIs(1));
  EXPECT_EQ(outcome.steps[0].problem, "status 500, expected 202");
}

TEST_F(JourneyRunnerTest, ASlowAnswerFails) {
  latency_ = milliseconds(1500);
  EXPECT_EQ(Run().steps[0].problem, "took 1.5s, expected at most 1s");
}

TEST_F(JourneyRunnerTest, WhatIsWrongWithTheJsonIsSaid) {
  struct Row {
    const char* answer;
    const char* problem;
  };
  constexpr Row kRows[] = {
      {R"({"id":7,"status":"failed"})", "status is \"failed\", expected \"queued\""},
      {R"({"id":"7","status":"queued"})", "id is a string, expected a number"},
      {R"({"id":7})", "the answer has no status"},
      {"<html>", "the answer is no JSON: "},
  };
  for (const Row& row : kRows) {
    answers_["POST /upload"] = {202, row.answer};
    EXPECT_THAT(Run().steps[0].problem, HasSubstr(row.problem));
  }
}

TEST_F(JourneyRunnerTest, NobodyThereIsAProblemOfTheStep) {
  answers_.clear();
  const JourneyOutcome outcome = Run();
  EXPECT_EQ(outcome.steps[0].status, 0);
  EXPECT_THAT(outcome.steps[0].problem, HasSubstr("connection refused"));
}

TEST_F(JourneyRunnerTest, AnUnknownVariableIsNamed) {
  const JourneyOutcome outcome = Run("journeys: [{name: a, steps: [{path: '/${nobody}'}]}]");
  EXPECT_EQ(outcome.steps[0].problem, "${nobody} is not known: no earlier step captures it");
}

}  // namespace
}  // namespace tocsin::delivery
