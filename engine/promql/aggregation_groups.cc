// Which rows of a block belong together: of `by`, of `without`, and of count_values.
#include "engine/promql/aggregation.h"

namespace tocsin::promql {

LabelPicker GroupLabels(Evaluator& evaluator, const Aggregate& aggregate) {
  std::vector<SymbolId> names;
  for (const std::string& name : aggregate.grouping) {
    names.push_back(evaluator.symbols().Intern(name));
  }
  if (aggregate.without) {
    for (const SymbolId name : evaluator.dropped_names()) names.push_back(name);
  }
  return {std::move(names), aggregate.without};
}

std::shared_ptr<const Grouping> GroupRows(Evaluator& evaluator, const PlanNode& node,
                                          const SeriesListPtr& list, std::vector<uint8_t> marks) {
  NodeMemory& memory = evaluator.context().memory.Of(node.id);
  if (memory.grouping != nullptr && memory.grouped_from == list && memory.grouped_marks == marks) {
    return memory.grouping;
  }
  LabelPicker labels_of = GroupLabels(evaluator, *node.expr->As<Aggregate>());
  auto grouping = std::make_shared<Grouping>();
  LabelIndex index;
  const size_t rows = list == nullptr ? 0 : list->size();
  grouping->group_of.reserve(rows);
  for (size_t row = 0; row < rows; ++row) {
    PrefetchLabels(*list, row);
    const LabelIndex::Entry group = index.Find(labels_of.Of((*list)[row]));
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
