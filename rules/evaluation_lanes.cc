#include "rules/evaluation_lanes.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>

#include "engine/promql/parser.h"
#include "rules/query_inputs.h"
#include "rules/rule_batches.h"

namespace tocsin {
namespace {

std::vector<std::string> WrittenBy(const RuleSpec& rule) {
  if (rule.alerting) return {"ALERTS", "ALERTS_FOR_STATE"};
  return {rule.name};
}

std::string TextOf(const promql::VectorSelector& selector) {
  std::string text;
  for (const Matcher& matcher : selector.matchers) text += matcher.ToString() + ",";
  return text;
}

// Groups of rules that read the same: sets that grow together.
class Companies {
 public:
  explicit Companies(const std::vector<RuleSpec>& rules) : leader_(rules.size()) {
    std::iota(leader_.begin(), leader_.end(), size_t{0});
    std::map<std::string, size_t> reader;
    for (size_t i = 0; i < rules.size(); ++i) {
      for (const QueryInput& input : InputsOf(rules[i].query->root())) {
        const auto [first, is_new] = reader.try_emplace(TextOf(*input.selector), i);
        if (!is_new) leader_[LeaderOf(i)] = LeaderOf(first->second);
      }
    }
  }
  size_t LeaderOf(size_t rule) const {
    while (leader_[rule] != rule) rule = leader_[rule];
    return rule;
  }

 private:
  std::vector<size_t> leader_;
};

// The lane of each rule: companies go to the lane that has least, the largest first.
std::vector<size_t> LanesOf(const std::vector<RuleSpec>& rules, size_t max_lanes) {
  const Companies companies(rules);
  std::map<size_t, std::vector<size_t>> members;
  for (size_t i = 0; i < rules.size(); ++i) members[companies.LeaderOf(i)].push_back(i);
  std::vector<std::vector<size_t>> ordered;
  for (auto& [leader, rules_of] : members) ordered.push_back(std::move(rules_of));
  std::ranges::stable_sort(ordered, std::greater<>(), &std::vector<size_t>::size);
  std::vector<size_t> load(std::clamp<size_t>(max_lanes, 1, std::max<size_t>(ordered.size(), 1)));
  std::vector<size_t> lane_of(rules.size(), 0);
  for (const std::vector<size_t>& company : ordered) {
    const auto lane = static_cast<size_t>(std::ranges::min_element(load) - load.begin());
    load[lane] += company.size();
    for (const size_t rule : company) lane_of[rule] = lane;
  }
  return lane_of;
}

std::vector<std::vector<size_t>> OneByOne(const std::vector<RuleSpec>& rules) {
  std::vector<std::vector<size_t>> batches;
  for (size_t i = 0; i < rules.size(); ++i) batches.push_back({i});
  return batches;
}

// The parts of one batch, taken by whatever thread comes.
class SharedParts {
 public:
  SharedParts(size_t count, std::function<void(size_t)> run)
      : count_(count), run_(std::move(run)) {}

  // Runs parts until none is left.
  void Work() {
    for (size_t part = next_++; part < count_; part = next_++) {
      run_(part);
      const std::lock_guard lock(mutex_);
      if (++done_ == count_) all_done_.notify_all();
    }
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    all_done_.wait(lock, [this] { return done_ == count_; });
  }

 private:
  const size_t count_;
  const std::function<void(size_t)> run_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable all_done_;
  size_t done_ = 0;
};

}  // namespace

bool SpareThreads::TryRun(const Task& task) {
  size_t free = *free_;
  while (free > 0 && !free_->compare_exchange_weak(free, free - 1)) {
  }
  if (free == 0) return false;
  executor_->Post([free_threads = free_, task] {
    task();
    ++*free_threads;
  });
  return true;
}

EvaluationLanes::EvaluationLanes(const promql::Engine& engine, const std::vector<RuleSpec>& rules,
                                 size_t max_lanes) {
  const std::vector<size_t> lane_of = LanesOf(rules, max_lanes);
  const size_t lanes = rules.empty() ? 0 : *std::ranges::max_element(lane_of) + 1;
  const std::vector<std::vector<size_t>> batches = lanes > 1 ? BatchesOf(rules) : OneByOne(rules);
  std::vector<std::vector<promql::GroupQuery>> queries(lanes);
  std::vector<std::vector<size_t>> rules_of(lanes);
  batches_.resize(batches.size());
  for (size_t b = 0; b < batches.size(); ++b) {
    for (const size_t rule : batches[b]) {
      const size_t lane = lane_of[rule];
      auto part = std::ranges::find(batches_[b], lane, &Part::lane);
      if (part == batches_[b].end()) {
        batches_[b].push_back({.lane = lane, .positions = {}});
        part = batches_[b].end() - 1;
      }
      part->positions.push_back(rules_of[lane].size());
      rules_of[lane].push_back(rule);
      queries[lane].push_back({.query = rules[rule].query, .writes = {}});
    }
    // What is written in this batch ends the sharing of what was read before it, in every lane.
    for (std::vector<promql::GroupQuery>& of_lane : queries) {
      for (const size_t rule : batches[b]) {
        if (of_lane.empty()) continue;
        std::ranges::move(WrittenBy(rules[rule]), std::back_inserter(of_lane.back().writes));
      }
    }
  }
  for (size_t lane = 0; lane < lanes; ++lane) {
    lanes_.push_back({.rules = std::move(rules_of[lane]),
                      .plan = promql::GroupPlan(engine, std::move(queries[lane]))});
  }
}

void EvaluationLanes::Evaluate(const Run& run) {
  std::vector<promql::GroupPlan::Evaluation> evaluations;
  evaluations.reserve(lanes_.size());
  for (Lane& lane : lanes_) {
    evaluations.push_back(lane.plan.Begin(run.querier, run.t_ms, run.limits));
  }
  for (const std::vector<Part>& batch : batches_) {
    const auto run_part = [&](size_t index) {
      const Part& part = batch[index];
      for (const size_t position : part.positions) {
        if (run.stop) return;
        const SteadyTime start = run.clock.Steady();
        Result<promql::QueryResult> result = evaluations[part.lane].Run(position);
        run.take(lanes_[part.lane].rules[position], std::move(result), start);
      }
    };
    // A helper that comes late finds nothing to do, and may outlive this call.
    const auto parts = std::make_shared<SharedParts>(batch.size(), run_part);
    for (size_t i = 1; i < batch.size(); ++i) {
      if (!run.threads.TryRun([parts] { parts->Work(); })) break;
    }
    parts->Work();
    parts->Wait();
  }
}

}  // namespace tocsin
