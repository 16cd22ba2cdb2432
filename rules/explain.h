// Explain: why a rule fires, or does not.
//
// The expression as a tree; for each part what goes in and what comes out, and what dropped the
// difference: each matcher, each comparison with the value that came nearest to it, and vector
// matching with the names of the labels that differ.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"
#include "engine/promql/engine.h"
#include "engine/storage/querier.h"
#include "rules/snapshot.h"

namespace tocsin {

// A series of a part, as an example.
struct ExplainedSeries {
  LabelSet labels;
  double value = 0;
};

struct ExplainNode {
  std::string text;  // canonical; of a selector with range and offset
  std::string kind;  // "selector", "comparison", "vector matching", "aggregation", "call", …
  size_t in = 0;     // series of all operands; of a selector those of the metric
  size_t out = 0;
  // What happened to those that are gone, one sentence each.
  std::vector<std::string> notes;
  std::vector<ExplainedSeries> series;  // the first of `out`, sorted by labels
  std::string error;                    // the part cannot be evaluated
  std::vector<ExplainNode> operands;
};

struct ExplainOptions {
  Timestamp at{};
  // Only series that have none of these labels, or have them so; empty: all.
  LabelSet labels;
  size_t max_series = 3;  // of each node
};

// Evaluates every part of the query at that time.
ExplainNode ExplainQuery(const promql::Engine& engine, const Querier& querier,
                         const promql::ParsedQuery& query, const ExplainOptions& options);

// The rule that is explained.
struct ExplainedRule {
  std::string name;
  std::string query;  // canonical
  std::string file;
  int line = 0;  // from 1 on, as the column; 0: not known
  int column = 0;
  Duration hold{};
  // What a process that runs it knows: the state of its alerts, and what its Alertmanagers were
  // told as a JSON array. Null and "" when none runs.
  const RuleSnapshot* running = nullptr;
  std::string delivery;
};

// The whole answer as JSON: the rule, the state of its alerts, and the tree.
std::string ExplainJson(const ExplainNode& tree, const ExplainedRule& rule,
                        const ExplainOptions& options);

}  // namespace tocsin
