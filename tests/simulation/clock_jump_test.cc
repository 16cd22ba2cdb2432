// Somebody sets the wall clock while an alert rings: the row of docs/fault_matrix.md that cannot be
// played with real processes. The Alertmanager's clock is right, or jumps with the host's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/support/simulation/simulation.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing_support::ReceivedAlert;
using testing_support::Simulation;

constexpr const char* kGlobal = "scrape_interval: 15s, evaluation_interval: 15s";
constexpr const char* kTargets = R"(
scrape_configs:
  - {job_name: app, static_configs: [{targets: ['app:8000']}]}
)";
constexpr const char* kRules = R"(
groups:
- {name: g, rules: [{alert: Broken, expr: broken > 0, for: 2m}]}
)";

// What an Alertmanager makes of the messages: pages and ends, timeouts included.
class Ringing {
 public:
  void Take(const ReceivedAlert& alert) {
    const bool fires = alert.ends_at > alert.at;
    pages += !ringing_ && fires;
    ends += ringing_ && !fires;
    ringing_ = fires;
    until_ = alert.ends_at;
  }
  void LookAt(Timestamp now) {
    if (!ringing_ || now < until_) return;
    ++ends;
    ringing_ = false;
  }

  int pages = 0;
  int ends = 0;

 private:
  bool ringing_ = false;
  Timestamp until_{};
};

class ClockJump : public testing::TestWithParam<Duration> {
 protected:
  void SetUp() override {
    sim_.PutConfig(kGlobal, kTargets);
    sim_.files().Put("rules.yml", kRules);
    sim_.Serve("app:8000", [this] { return "broken " + std::to_string(broken_) + "\n"; });
    const Status status = sim_.Start();
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  void Pass(Duration time) {
    for (Duration passed{}; passed < time; passed += 1s) {
      sim_.Advance(1s);
      for (; seen_ < sim_.received().size(); ++seen_) manager_.Take(sim_.received()[seen_]);
      manager_.LookAt(sim_.clock().Now());
    }
  }

  int broken_ = 0;
  size_t seen_ = 0;
  Ringing manager_;
  Simulation sim_;
};

TEST_P(ClockJump, NeitherEndsNorRepeatsAnAlert) {
  Pass(1min);
  broken_ = 1;
  Pass(3min);
  ASSERT_EQ(manager_.pages, 1);
  sim_.clock().Jump(GetParam());
  Pass(15min);
  const int false_ends = manager_.ends;
  broken_ = 0;
  int late = 0;
  for (; manager_.ends == false_ends && late < 600; ++late) Pass(1s);
  Pass(10min);
  const bool missed = manager_.ends == false_ends;
  // fault_matrix.py reads this line.
  std::printf("verdict: %d / %d / %d / %d s\n", false_ends, missed ? 1 : 0, manager_.pages - 1,
              late);
  EXPECT_EQ(false_ends, 0);
  EXPECT_EQ(manager_.pages, 1);
  EXPECT_FALSE(missed);
}

INSTANTIATE_TEST_SUITE_P(BackAndForth, ClockJump, testing::Values(10min, -10min),
                         [](const auto& param) { return param.param > 0s ? "Ahead" : "Back"; });

}  // namespace
}  // namespace tocsin
