// What depends on series and not on samples, kept from one evaluation of a plan to the next: it
// holds as long as the same lists of series come again.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/promql/block.h"

namespace tocsin::promql {

// How the rows of a list fall into groups: of an aggregation, of a matching.
struct Grouping {
  std::vector<uint32_t> group_of;  // by row
  SeriesListPtr groups;            // the labels of each group
  std::vector<uint8_t> drop_name;  // by group: a member's name is marked to go
};

// How the rows of two lists match.
struct Matching {
  static constexpr uint32_t kNone = UINT32_MAX;
  // The match group of each row: rows match when their groups are equal.
  std::vector<uint32_t> lhs_group;
  std::vector<uint32_t> rhs_group;
  SeriesList groups;  // the labels of each group
  // When no group has two rows on the one side: the partner of each row of the other, "many" side
  // (of the left in a one-to-one matching), and the labels of what they give.
  bool fixed = false;
  std::vector<uint32_t> partner;
  SeriesListPtr results;
};

// What a node remembers. A list is told by its address, which the entry keeps from being reused.
struct NodeMemory {
  std::vector<uint64_t> series_ids;  // of the selection behind `series`
  SeriesListPtr series;

  SeriesListPtr names_of;
  bool one_name = false;

  SeriesListPtr unnamed_from;
  SeriesListPtr unnamed;
  bool unnamed_unique = false;

  SeriesListPtr grouped_from;
  std::vector<uint8_t> grouped_marks;
  std::shared_ptr<const Grouping> grouping;

  SeriesListPtr matched_lhs;
  SeriesListPtr matched_rhs;
  std::shared_ptr<const Matching> matching;
};

// Not thread-safe.
class PlanMemory {
 public:
  NodeMemory& Of(size_t node) {
    if (nodes_.size() <= node) nodes_.resize(node + 1);
    if (nodes_[node] == nullptr) nodes_[node] = std::make_unique<NodeMemory>();
    return *nodes_[node];
  }
  void Clear() { nodes_.clear(); }

 private:
  std::vector<std::unique_ptr<NodeMemory>> nodes_;
};

}  // namespace tocsin::promql
