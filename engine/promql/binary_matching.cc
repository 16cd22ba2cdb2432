// Which rows of two vectors belong together, and how the result of two rows is labelled.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "engine/promql/binary.h"

namespace tocsin::promql {
namespace {

using Cardinality = VectorMatching::Cardinality;

class GroupIndex {
 public:
  GroupIndex(Evaluator& evaluator, const VectorMatching& matching)
      : evaluator_(evaluator), on_(matching.on) {
    for (const std::string& label : matching.labels) {
      names_.push_back(evaluator.symbols().Intern(label));
    }
    std::ranges::sort(names_);
  }

  std::vector<uint32_t> GroupsOf(const Block& block) {
    std::vector<uint32_t> groups(block.series());
    for (size_t series = 0; series < groups.size(); ++series) {
      const auto [entry, fresh] =
          index_.try_emplace(Of(block.labels(series)), static_cast<uint32_t>(labels_.size()));
      if (fresh) labels_.push_back(entry->first);
      groups[series] = entry->second;
    }
    return groups;
  }

  SeriesList TakeLabels() { return std::move(labels_); }

 private:
  Labels Of(const Labels& labels) const {
    std::vector<LabelPair> pairs;
    pairs.reserve(labels.size());
    for (const LabelPair& pair : labels) {
      if (std::ranges::binary_search(names_, pair.name) == on_) pairs.push_back(pair);
    }
    Labels group = Labels::FromSortedPairs(pairs);
    if (!on_) group.Set(evaluator_.metric_name(), kEmptySymbol);
    return group;
  }

  Evaluator& evaluator_;
  const bool on_;
  std::vector<SymbolId> names_;  // sorted
  std::unordered_map<Labels, uint32_t, LabelsHash> index_;
  SeriesList labels_;
};

// The row of each group, when no group has two.
bool IndexByGroup(const std::vector<uint32_t>& group_of, std::vector<uint32_t>& row_of) {
  for (uint32_t row = 0; row < group_of.size(); ++row) {
    uint32_t& entry = row_of[group_of[row]];
    if (entry != Matching::kNone) return false;
    entry = row;
  }
  return true;
}

bool HasFill(const VectorMatching& matching) {
  return matching.fill_left.has_value() || matching.fill_right.has_value();
}

void FixPartners(Evaluator& evaluator, const Binary& binary, const Block& lhs, const Block& rhs,
                 Matching& matching) {
  const bool swapped = binary.matching->cardinality == Cardinality::kOneToMany;
  const Block& many = swapped ? rhs : lhs;
  const Block& one = swapped ? lhs : rhs;
  const std::vector<uint32_t>& many_group = swapped ? matching.rhs_group : matching.lhs_group;
  std::vector<uint32_t> one_row(matching.groups.size(), Matching::kNone);
  if (!IndexByGroup(swapped ? matching.lhs_group : matching.rhs_group, one_row)) return;
  if (binary.matching->cardinality == Cardinality::kOneToOne) {
    std::vector<uint32_t> many_row(matching.groups.size(), Matching::kNone);
    if (!IndexByGroup(many_group, many_row)) return;
  }
  std::unordered_set<Labels, LabelsHash> distinct;
  auto results = std::make_shared<SeriesList>();
  results->reserve(many.series());
  for (size_t row = 0; row < many.series(); ++row) {
    const uint32_t partner = one_row[many_group[row]];
    matching.partner.push_back(partner);
    results->push_back(
        partner == Matching::kNone
            ? Labels()
            : ResultLabels(evaluator, binary, many.labels(row), one.labels(partner)));
    // Equal results have to be looked at step by step.
    if (partner != Matching::kNone && !distinct.insert(results->back()).second) {
      matching.partner.clear();
      return;
    }
  }
  matching.results = std::move(results);
  matching.fixed = true;
}

}  // namespace

Labels ResultLabels(Evaluator& evaluator, const Binary& binary, const Labels& many,
                    const Labels& one) {
  SymbolTable& symbols = evaluator.symbols();
  const VectorMatching& matching = *binary.matching;
  const bool delayed = evaluator.context().options.delayed_name_removal;
  const bool drops_name = DropsName(binary.op) || (binary.return_bool && !delayed);
  Labels labels = drops_name ? evaluator.WithoutName(many) : many;
  if (matching.cardinality == Cardinality::kOneToOne) {
    std::vector<SymbolId> names;
    for (const std::string& name : matching.labels) names.push_back(symbols.Intern(name));
    std::vector<LabelPair> pairs;
    for (const LabelPair& pair : labels) {
      const bool listed = std::ranges::find(names, pair.name) != names.end();
      if (listed == matching.on) pairs.push_back(pair);
    }
    labels = Labels::FromSortedPairs(pairs);
  }
  for (const std::string& name : matching.include) {
    const SymbolId id = symbols.Intern(name);
    labels.Set(id, one.Get(id));
  }
  return labels;
}

std::shared_ptr<const Matching> MatchRows(Evaluator& evaluator, const PlanNode& node,
                                          const Block& lhs, const Block& rhs) {
  NodeMemory& memory = evaluator.context().memory.Of(node.id);
  if (memory.matching != nullptr && memory.matched_lhs == lhs.list() &&
      memory.matched_rhs == rhs.list()) {
    return memory.matching;
  }
  const Binary& binary = *node.expr->As<Binary>();
  auto matching = std::make_shared<Matching>();
  GroupIndex index(evaluator, *binary.matching);
  matching->lhs_group = index.GroupsOf(lhs);
  matching->rhs_group = index.GroupsOf(rhs);
  matching->groups = index.TakeLabels();
  if (!IsSetOperator(binary.op) && !HasFill(*binary.matching)) {
    FixPartners(evaluator, binary, lhs, rhs, *matching);
  }
  memory.matched_lhs = lhs.list();
  memory.matched_rhs = rhs.list();
  memory.matching = matching;
  return matching;
}

}  // namespace tocsin::promql
