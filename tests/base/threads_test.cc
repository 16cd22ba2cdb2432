// ThreadPool, ThreadScheduler and Published, with real threads. Tests wait for events, never for
// time to pass.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

#include "base/executor.h"
#include "base/published.h"
#include "base/scheduler.h"
#include "tests/support/fake_executor.h"

namespace tocsin {
namespace {

using testing_support::FakeClock;
using testing_support::FakeScheduler;
using testing_support::InlineExecutor;

TEST(ThreadPool, RunsEveryTask) {
  constexpr int kTasks = 1000;
  std::atomic<int> sum = 0;
  std::latch done(kTasks);
  ThreadPool pool("test", 4);
  for (int i = 1; i <= kTasks; ++i) {
    pool.Post([&, i] {
      sum += i;
      done.count_down();
    });
  }
  done.wait();
  EXPECT_EQ(sum, kTasks * (kTasks + 1) / 2);
}

TEST(ThreadPool, WaitsAtTheEndForWhatHasBegun) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<bool> finished = false;
  std::jthread release;
  {
    ThreadPool pool("test", 1);
    pool.Post([&] {
      begun.set_value();
      go_on.get_future().wait();
      finished = true;
    });
    begun.get_future().wait();
    release = std::jthread([&] { go_on.set_value(); });
  }
  EXPECT_TRUE(finished);
}

TEST(ThreadScheduler, PostsInOrderOfDueTime) {
  ThreadPool pool("test", 1);
  ThreadScheduler scheduler;
  std::promise<std::string> result;
  std::string order;
  scheduler.After(Duration(30), pool, [&] {
    order += "c";
    result.set_value(order);
  });
  scheduler.After(Duration(1), pool, [&] { order += "a"; });
  const TimerId canceled = scheduler.After(Duration(5), pool, [&] { order += "x"; });
  scheduler.After(Duration(10), pool, [&] { order += "b"; });
  scheduler.Cancel(canceled);
  EXPECT_EQ(result.get_future().get(), "abc");
}

TEST(FakeScheduler, StopsAtEachTimerOnTheWay) {
  FakeClock clock;
  FakeScheduler scheduler(clock);
  InlineExecutor inline_executor;
  const SteadyTime start = clock.Steady();
  std::vector<int64_t> at;
  const auto note = [&] {
    at.push_back(std::chrono::duration_cast<Duration>(clock.Steady() - start).count());
  };
  scheduler.After(Duration(20), inline_executor, note);
  scheduler.After(Duration(10), inline_executor, [&] {
    note();
    scheduler.After(Duration(5), inline_executor, note);
  });
  scheduler.Advance(Duration(100));
  EXPECT_EQ(at, (std::vector<int64_t>{10, 15, 20}));
}

TEST(Published, ReadersKeepTheirSnapshot) {
  Published<int> published;
  EXPECT_EQ(published.Get(), nullptr);
  published.Set(std::make_shared<const int>(1));
  const std::shared_ptr<const int> mine = published.Get();
  published.Set(std::make_shared<const int>(2));
  EXPECT_EQ(*mine, 1);
  EXPECT_EQ(*published.Get(), 2);
}

}  // namespace
}  // namespace tocsin
