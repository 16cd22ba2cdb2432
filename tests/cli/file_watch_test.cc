#include "cli/file_watch.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/memory_files.h"

namespace tocsin::cli {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only

class FileWatchTest : public testing::Test {
 protected:
  testing_support::FakeClock clock_;
  testing_support::FakeScheduler scheduler_{clock_};
  testing_support::InlineExecutor executor_;
  testing_support::MemoryFiles files_{{"a.yml", "1"}, {"rules/x.yml", "1"}};
  std::vector<std::string> patterns_ = {"a.yml", "rules/*.yml"};
  int told_ = 0;
  FileWatch watch_{5s,
                   {.scheduler = scheduler_,
                    .executor = executor_,
                    .files = files_,
                    .patterns = [this] { return patterns_; },
                    .changed = [this] { ++told_; }}};
};

TEST_F(FileWatchTest, TellsEveryChangeOnce) {
  scheduler_.Advance(20s);
  EXPECT_EQ(told_, 0);
  files_.Put("a.yml", "2");
  scheduler_.Advance(20s);
  EXPECT_EQ(told_, 1);
  files_.Put("a.yml", "2");
  scheduler_.Advance(20s);
  EXPECT_EQ(told_, 1) << "the same content is no change";
}

TEST_F(FileWatchTest, FilesMayComeAndGo) {
  files_.Put("rules/y.yml", "1");
  scheduler_.Advance(5s);
  EXPECT_EQ(told_, 1);
  EXPECT_TRUE(files_.Remove("rules/y.yml").ok());
  scheduler_.Advance(5s);
  EXPECT_EQ(told_, 2);
}

TEST_F(FileWatchTest, OtherPatternsAfterAChangeAreNoOtherChange) {
  files_.Put("a.yml", "2");
  patterns_.emplace_back("more/*.yml");
  scheduler_.Advance(20s);
  EXPECT_EQ(told_, 1);
}

}  // namespace
}  // namespace tocsin::cli
