#include "cli/repeated_task.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/support/fake_executor.h"

namespace tocsin::cli {
namespace {

using std::chrono::seconds;
using testing_support::FakeClock;
using testing_support::FakeScheduler;
using testing_support::InlineExecutor;

TEST(RepeatedTask, RunsAfterEachPauseUntilItIsStopped) {
  FakeClock clock;
  FakeScheduler scheduler(clock);
  InlineExecutor executor;
  int runs = 0;
  RepeatedTask task(seconds(10), scheduler, executor, [&runs] { ++runs; });
  scheduler.Advance(seconds(9));
  EXPECT_EQ(runs, 0);
  scheduler.Advance(seconds(21));
  EXPECT_EQ(runs, 3);
  task.Stop();
  scheduler.Advance(seconds(60));
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(scheduler.pending(), 0);
}

TEST(RepeatedTask, StopWaitsForTheWorkInProgress) {
  ThreadScheduler scheduler;
  ThreadPool pool("work", 1);
  std::atomic<bool> begun = false;
  std::atomic<bool> done = false;
  std::mutex mutex;
  std::condition_variable wake;
  auto task = std::make_unique<RepeatedTask>(Duration(0), scheduler, pool, [&] {
    {
      const std::lock_guard lock(mutex);
      begun = true;
    }
    wake.notify_one();
    std::this_thread::yield();
    done = true;
  });
  {
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return begun.load(); });
  }
  task.reset();
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace tocsin::cli
