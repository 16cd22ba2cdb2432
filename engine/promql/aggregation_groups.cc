// Which rows of a block belong together: of `by`, of `without`, and of count_values.
#include <algorithm>

#include "engine/promql/aggregation.h"
#include "engine/promql/label_index.h"

namespace tocsin::promql {

GroupLabels::GroupLabels(Evaluator& evaluator, const Aggregate& aggregate)
    : without_(aggregate.without) {
  for (const std::string& name : aggregate.grouping) {
    names_.push_back(evaluator.symbols().Intern(name));
  }
  if (without_) {
    for (const SymbolId name : evaluator.dropped_names()) names_.push_back(name);
  }
  std::ranges::sort(names_);
}

std::span<const LabelPair> GroupLabels::PairsOf(const Labels& labels) {
  pairs_.clear();
  // Both are sorted by the ids of names.
  auto name = names_.begin();
  for (const LabelPair& pair : labels) {
    while (name != names_.end() && *name < pair.name) ++name;
    if (name == names_.end() && !without_) break;
    const bool named = name != names_.end() && *name == pair.name;
    if (named != without_) pairs_.push_back(pair);
  }
  return pairs_;
}

std::shared_ptr<const Grouping> GroupRows(Evaluator& evaluator, const PlanNode& node,
                                          const SeriesListPtr& list, std::vector<uint8_t> marks) {
  NodeMemory& memory = evaluator.context().memory.Of(node.id);
  if (memory.grouping != nullptr && memory.grouped_from == list && memory.grouped_marks == marks) {
    return memory.grouping;
  }
  GroupLabels labels_of(evaluator, *node.expr->As<Aggregate>());
  auto grouping = std::make_shared<Grouping>();
  LabelIndex index;
  const size_t rows = list == nullptr ? 0 : list->size();
  grouping->group_of.reserve(rows);
  for (size_t row = 0; row < rows; ++row) {
    const LabelIndex::Entry group = index.Find(labels_of.PairsOf((*list)[row]));
    if (group.fresh) grouping->drop_name.push_back(0);
    grouping->group_of.push_back(group.number);
    if (!marks.empty()) grouping->drop_name[group.number] |= marks[row];
  }
  grouping->groups = std::make_shared<const SeriesList>(index.TakeLabels());
  memory.grouped_from = list;
  memory.grouped_marks = std::move(marks);
  memory.grouping = grouping;
  return grouping;
}

std::shared_ptr<const Grouping> GroupRows(Evaluator& evaluator, const PlanNode& node,
                                          const Block& block) {
  std::vector<uint8_t> marks;
  for (size_t row = 0; row < block.series(); ++row) {
    if (!block.drop_name(row)) continue;
    marks.resize(block.series());
    marks[row] = 1;
  }
  return GroupRows(evaluator, node, block.list(), std::move(marks));
}

}  // namespace tocsin::promql
