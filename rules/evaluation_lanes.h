// Evaluates the queries of a group on several threads where their order does not matter.
//
//   batch 0   rules that depend on nothing      lane 0: 1 4    lane 1: 2 3
//   batch 1   rules that read what those wrote  lane 0: 5
//
// Rules that share a selector are in one lane, because a lane computes equal parts once. A lane
// needs a thread only while it runs; a group always has its own, and takes others from a number
// that all groups share (--rules.max-concurrent-evals), when they are free.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "engine/promql/engine.h"
#include "engine/promql/group_plan.h"
#include "engine/storage/querier.h"
#include "rules/rule_file.h"

namespace tocsin {

// The threads that groups may take beside their own.
//
// Thread safety: all methods may be called from any thread.
class SpareThreads {
 public:
  // `executor` must outlive the object; null or 0: there are none.
  SpareThreads(Executor* executor, size_t count)
      : executor_(executor),
        free_(std::make_shared<std::atomic<size_t>>(executor == nullptr ? 0 : count)) {}

  // Runs the task on another thread, soon; false when none is free.
  bool TryRun(const Task& task);

 private:
  Executor* const executor_;
  // A task that comes late may outlive the object.
  const std::shared_ptr<std::atomic<size_t>> free_;
};

// Not thread-safe.
class EvaluationLanes {
 public:
  // At most so many lanes. `engine` and the rules must outlive the object.
  EvaluationLanes(const promql::Engine& engine, const std::vector<RuleSpec>& rules,
                  size_t max_lanes);

  // From any of the threads, for different rules at the same time. `start`: of the query.
  using Take =
      std::function<void(size_t rule, Result<promql::QueryResult> result, SteadyTime start)>;

  // Runs all queries, in the order of the batches, and gives each result to `take`, after which
  // queries that depend on the rule are run. `stop`: whether to begin no more.
  struct Run {
    const Querier& querier;
    int64_t t_ms = 0;
    const promql::QueryLimits& limits;
    SpareThreads& threads;
    const Take& take;
    const std::atomic<bool>& stop;
    const Clock& clock;
  };
  void Evaluate(const Run& run);

  size_t lanes() const { return lanes_.size(); }

 private:
  struct Lane {
    std::vector<size_t> rules;  // in the order of the batches
    promql::GroupPlan plan;
  };
  // What a lane does of a batch: positions in Lane::rules.
  struct Part {
    size_t lane = 0;
    std::vector<size_t> positions;
  };

  std::vector<Lane> lanes_;
  std::vector<std::vector<Part>> batches_;
};

}  // namespace tocsin
