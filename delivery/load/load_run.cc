#include "delivery/load/load_run.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

namespace tocsin::delivery {
namespace {

constexpr std::chrono::milliseconds kTolerance(1);
constexpr std::chrono::milliseconds kProgressInterval(1000);
constexpr std::chrono::milliseconds kWatchInterval(50);

// What all users share.
struct Shared {
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> started{0};
  std::atomic<uint64_t> failed{0};
  std::atomic<bool> stop{false};
  std::atomic<bool> aborted{false};
  std::atomic<bool> interrupted{false};
  std::atomic<int64_t> fastest{std::numeric_limits<int64_t>::max()};  // journey, in nanoseconds
  std::vector<JourneySetup> setups = {};  // by the mix; not changed by users
};

void Lower(std::atomic<int64_t>& smallest, int64_t value) {
  int64_t known = smallest;
  while (value < known && !smallest.compare_exchange_weak(known, value)) {
  }
}

class User {
 public:
  User(const LoadPlan& plan, const std::string& run, const LoadWorld& world, SteadyTime begin,
       Shared& shared)
      : plan_(plan), run_(run), world_(world), begin_(begin), shared_(shared) {
    report_.planned = plan.rate > 0 ? PlannedJourneys(plan) : 0;
  }

  // Journeys at their times, whoever is free takes the next.
  void RunOpen() {
    while (!shared_.stop) {
      const uint64_t i = shared_.next++;
      if (i >= report_.planned) return;
      const SteadyTime intended = begin_ + IntendedStart(plan_, i);
      if (!Wait(intended)) return;
      if (world_.journey.clock.Steady() - intended > kTolerance) ++report_.late;
      Do(i, intended);
    }
  }

  // One journey after the other, from this user's turn in the ramp on.
  void RunClosed(int user) {
    const SteadyTime turn = begin_ + std::chrono::nanoseconds(plan_.ramp) * user / plan_.users;
    if (!Wait(turn)) return;
    while (!shared_.stop && world_.journey.clock.Steady() < begin_ + plan_.duration) {
      Do(shared_.next++, world_.journey.clock.Steady());
    }
  }

  const LoadReport& report() const { return report_; }

 private:
  bool Wait(SteadyTime until) {
    if (world_.sleep_until(until)) return true;
    shared_.interrupted = true;
    shared_.stop = true;
    return false;
  }

  void Do(uint64_t i, SteadyTime intended) {
    const size_t which = ChooseJourney(plan_, i);
    const Journey& journey = plan_.mix[which];
    const SteadyTime start = world_.journey.clock.Steady();
    const Latency lateness = start - intended;
    bool first = true;
    LoadSecond& second = SecondOf(intended);
    const JourneyOutcome outcome = RunJourneySteps(
        journey, run_ + "-" + std::to_string(i), shared_.setups[which], world_.journey,
        [&](const StepOutcome& step) {
          Record(journey.name, step, std::exchange(first, false) ? lateness : Latency(0), second);
        });
    Lower(shared_.fastest, Latency(world_.journey.clock.Steady() - start).count());
    ++report_.started;
    ++second.started;
    ++shared_.started;
    if (outcome.ok) {
      ++report_.succeeded;
      ++second.succeeded;
      return;
    }
    ++report_.failed;
    ++second.failed;
    ++shared_.failed;
    AbortWhenHopeless();
  }

  void Record(const std::string& journey, const StepOutcome& step, Latency lateness,
              LoadSecond& second) {
    const Latency latency = step.latency + lateness;
    StepStatistics& statistics = report_.steps[journey + ": " + step.name];
    statistics.requests += static_cast<uint64_t>(step.requests);
    statistics.reconnects += static_cast<uint64_t>(step.reconnects);
    report_.reconnects += static_cast<uint64_t>(step.reconnects);
    statistics.latency.Record(latency);
    report_.latency.Record(latency);
    second.slowest = std::max(second.slowest, latency);
    if (step.ok) return;
    ++statistics.failed;
    ++statistics.problems[step.kind];
  }

  LoadSecond& SecondOf(SteadyTime time) {
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(time - begin_).count();
    const size_t index = static_cast<size_t>(std::max<int64_t>(second, 0));
    if (report_.seconds.size() <= index) report_.seconds.resize(index + 1);
    return report_.seconds[index];
  }

  // Even if everything from now on succeeds, too few will have.
  void AbortWhenHopeless() {
    if (plan_.required_success <= 0) return;
    const double allowed = MostJourneys() * (1 - plan_.required_success);
    if (static_cast<double>(shared_.failed) > allowed + 1e-9) {
      shared_.aborted = true;
      shared_.stop = true;
    }
  }

  // How many journeys there can be at the end. A closed loop has no number: so many as all users
  // could still do at the pace of the fastest so far.
  double MostJourneys() const {
    if (plan_.rate > 0) return static_cast<double>(report_.planned);
    const Latency left = begin_ + plan_.duration - world_.journey.clock.Steady();
    const double rounds = static_cast<double>(std::max(left, Latency(0)).count()) /
                          static_cast<double>(std::max<int64_t>(shared_.fastest, 1));
    return static_cast<double>(shared_.started) + std::ceil(rounds) * plan_.users;
  }

  const LoadPlan& plan_;
  const std::string& run_;
  const LoadWorld& world_;
  const SteadyTime begin_;
  Shared& shared_;
  LoadReport report_;
};

// Tells of progress until all users have ended.
void Watch(const LoadWorld& world, SteadyTime begin, const Shared& shared,
           const std::atomic<int>& running) {
  SteadyTime next = begin + kProgressInterval;
  while (running > 0) {
    world.sleep_until(world.journey.clock.Steady() + kWatchInterval);
    if (world.journey.clock.Steady() < next) continue;
    next += kProgressInterval;
    if (world.progress) {
      world.progress(
          {.started = shared.started,
           .failed = shared.failed,
           .elapsed = std::chrono::duration_cast<Duration>(world.journey.clock.Steady() - begin)});
    }
  }
}

// What is wrong with a setup, or a teardown; "" when nothing is.
std::string ProblemOf(const Journey& journey, const std::vector<StepOutcome>& steps) {
  for (const StepOutcome& step : steps) {
    if (!step.ok) return journey.name + ", " + step.name + ": " + step.problem;
  }
  return "";
}

// Each user on a thread of its own, or one after the other.
void RunUsers(std::vector<std::unique_ptr<User>>& users, const LoadPlan& plan,
              const LoadWorld& world, SteadyTime begin, const Shared& shared) {
  const auto work = [&](size_t i) {
    plan.rate > 0 ? users[i]->RunOpen() : users[i]->RunClosed(static_cast<int>(i));
  };
  if (world.users == LoadWorld::Users::kInline) {
    for (size_t i = 0; i < users.size(); ++i) work(i);
    return;
  }
  std::atomic<int> running = static_cast<int>(users.size());
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < users.size(); ++i) {
    threads.emplace_back([&, i] {
      work(i);
      --running;
    });
  }
  Watch(world, begin, shared, running);
}

}  // namespace

LoadReport RunLoad(const LoadPlan& plan, const std::string& run, const LoadWorld& world) {
  Shared shared;
  LoadReport report;
  report.began = world.journey.clock.Now();
  report.planned = plan.rate > 0 ? PlannedJourneys(plan) : 0;
  for (const Journey& journey : plan.mix) {
    shared.setups.emplace_back();
    if (journey.weight == 0) continue;
    shared.setups.back() = SetUpJourney(journey, run + "-setup", world.journey);
    report.setup_problem = ProblemOf(journey, shared.setups.back().steps);
    if (!report.setup_problem.empty()) break;
  }
  const SteadyTime begin = world.journey.clock.Steady();
  if (report.setup_problem.empty()) {
    std::vector<std::unique_ptr<User>> users;
    for (int i = 0; i < plan.users; ++i) {
      users.push_back(std::make_unique<User>(plan, run, world, begin, shared));
    }
    RunUsers(users, plan, world, begin, shared);
    for (const auto& user : users) report.Merge(user->report());
  }
  report.took = std::chrono::duration_cast<Duration>(world.journey.clock.Steady() - begin);
  report.aborted = shared.aborted;
  report.interrupted = shared.interrupted;
  for (size_t i = 0; i < shared.setups.size(); ++i) {
    TearDownJourney(plan.mix[i], shared.setups[i], world.journey);
  }
  return report;
}

}  // namespace tocsin::delivery
