// Journeys that the process does by itself: at their interval, told to rules, changed by a reload.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/simulation/simulation.h"

namespace tocsin {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing_support::Simulation;

constexpr const char* kGlobal = "scrape_interval: 10s, evaluation_interval: 10s";
constexpr const char* kTargets = R"(
collectors:
  journey: {url: 'http://app:8000', file: journeys.yml, interval: 30s, timeout: 20s}
)";

constexpr const char* kRules = R"(
groups:
- name: g
  rules:
  - {alert: JourneyFails, expr: journey_success == 0, for: 1m}
)";

class JourneysTest : public testing::Test {
 protected:
  JourneysTest() {
    sim_.PutConfig(kGlobal, kTargets);
    sim_.files().Put("rules.yml", kRules);
    PutJourneys("list", "/videos");
    sim_.http().Answer("http://app:8000/videos", 200, "[]");
  }
  void PutJourneys(const std::string& name, const std::string& path) {
    sim_.files().Put("journeys.yml", "journeys:\n  - name: " + name + "\n    steps: [{path: " +
                                         path + ", expect: {status: 200}}]\n");
  }
  size_t Requests(const std::string& url) {
    size_t count = 0;
    for (const HttpRequest& request : sim_.http().requests()) count += request.url == url ? 1 : 0;
    return count;
  }
  std::string Query(const std::string& expr) {
    return sim_.Get("/api/v1/query", "query=" + UrlEncode(expr));
  }

  Simulation sim_;
};

TEST_F(JourneysTest, AreDoneAtTheirIntervalAndTheirFailureIsAnAlert) {
  ASSERT_TRUE(sim_.Start().ok());
  sim_.Advance(minutes(5));
  EXPECT_NEAR(static_cast<double>(Requests("http://app:8000/videos")), 10, 1);
  EXPECT_THAT(Query("journey_success"), HasSubstr(R"("journey":"list")"));
  EXPECT_FALSE(sim_.Last("JourneyFails").has_value());

  sim_.http().Answer("http://app:8000/videos", 500, "");
  ASSERT_TRUE(sim_.AdvanceUntil([&] { return sim_.Last("JourneyFails").has_value(); }, minutes(3)));
  EXPECT_EQ(sim_.Last("JourneyFails")->labels.Get("journey"), "list");
  sim_.http().Answer("http://app:8000/videos", 200, "[]");
  EXPECT_TRUE(sim_.AdvanceUntil([&] { return !sim_.Last("JourneyFails")->firing(); }, minutes(3)));
}

TEST_F(JourneysTest, AReloadTakesTheChangedFileAndRefusesAWrongOne) {
  ASSERT_TRUE(sim_.Start().ok());
  sim_.Advance(minutes(1));
  PutJourneys("stats", "/stats");
  ASSERT_TRUE(sim_.app().Reload().ok());
  sim_.Advance(minutes(1));
  EXPECT_GE(Requests("http://app:8000/stats"), 1U);
  EXPECT_THAT(Query("up"), HasSubstr(R"("journey":"stats")"));
  EXPECT_THAT(Query(R"(up{journey="list"})"), HasSubstr(R"("result":[])"));

  sim_.files().Put("journeys.yml", "journeys: [{name: stats}]\n");
  const Status status = sim_.app().Reload();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("journeys.yml:1:12: journey \"stats\" has no"));
  const size_t before = Requests("http://app:8000/stats");
  sim_.Advance(minutes(1));
  EXPECT_GT(Requests("http://app:8000/stats"), before);
}

}  // namespace
}  // namespace tocsin
