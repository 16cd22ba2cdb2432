// Which rows of a block belong together: of `by`, of `without`, and of count_values.
#include <algorithm>
#include <unordered_map>

#include "engine/promql/aggregation.h"

namespace tocsin::promql {

GroupLabels::GroupLabels(Evaluator& evaluator, const Aggregate& aggregate)
    : evaluator_(evaluator), without_(aggregate.without) {
  for (const std::string& name : aggregate.grouping) {
    names_.push_back(evaluator.symbols().Intern(name));
  }
  std::ranges::sort(names_);
}

Labels GroupLabels::Of(const Labels& labels) const {
  if (!without_ && names_.empty()) return {};
  std::vector<LabelPair> pairs;
  pairs.reserve(labels.size());
  for (const LabelPair& pair : labels) {
    if (std::ranges::binary_search(names_, pair.name) != without_) pairs.push_back(pair);
  }
  const Labels group = Labels::FromSortedPairs(pairs);
  return without_ ? evaluator_.WithoutName(group) : group;
}

namespace {

std::vector<uint8_t> Marks(const Block& block) {
  std::vector<uint8_t> marks(block.series());
  for (size_t series = 0; series < marks.size(); ++series) {
    marks[series] = block.drop_name(series) ? 1 : 0;
  }
  return marks;
}

}  // namespace

std::shared_ptr<const Grouping> GroupRows(Evaluator& evaluator, const PlanNode& node,
                                          const Block& block) {
  NodeMemory& memory = evaluator.context().memory.Of(node.id);
  std::vector<uint8_t> marks = Marks(block);
  if (memory.grouping != nullptr && memory.grouped_from == block.list() &&
      memory.grouped_marks == marks) {
    return memory.grouping;
  }
  const GroupLabels labels_of(evaluator, *node.expr->As<Aggregate>());
  auto grouping = std::make_shared<Grouping>();
  auto groups = std::make_shared<SeriesList>();
  std::unordered_map<Labels, uint32_t, LabelsHash> index;
  grouping->group_of.reserve(block.series());
  for (size_t series = 0; series < block.series(); ++series) {
    Labels labels = labels_of.Of(block.labels(series));
    const auto [entry, fresh] =
        index.try_emplace(std::move(labels), static_cast<uint32_t>(groups->size()));
    if (fresh) {
      groups->push_back(entry->first);
      grouping->drop_name.push_back(0);
    }
    grouping->group_of.push_back(entry->second);
    grouping->drop_name[entry->second] |= marks[series];
  }
  grouping->groups = std::move(groups);
  memory.grouped_from = block.list();
  memory.grouped_marks = std::move(marks);
  memory.grouping = grouping;
  return grouping;
}

}  // namespace tocsin::promql
