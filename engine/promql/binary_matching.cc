// Which rows of two vectors belong together, and how the result of two rows is labelled.
#include <algorithm>

#include "engine/promql/binary.h"
#include "engine/promql/label_index.h"

namespace tocsin::promql {
namespace {

using Cardinality = VectorMatching::Cardinality;

LabelPicker MatchedLabels(Evaluator& evaluator, const VectorMatching& matching) {
  std::vector<SymbolId> names;
  for (const std::string& label : matching.labels) {
    names.push_back(evaluator.symbols().Intern(label));
  }
  if (!matching.on) names.push_back(evaluator.metric_name());
  return {std::move(names), !matching.on};
}

class GroupIndex {
 public:
  GroupIndex(Evaluator& evaluator, const VectorMatching& matching)
      : labels_of_(MatchedLabels(evaluator, matching)) {}

  std::vector<uint32_t> GroupsOf(const Block& block) {
    std::vector<uint32_t> groups(block.series());
    for (size_t series = 0; series < groups.size(); ++series) {
      PrefetchLabels(*block.list(), series);
      groups[series] = index_.Find(labels_of_.Of(block.labels(series))).number;
    }
    return groups;
  }

  SeriesList TakeLabels() { return index_.TakeLabels(); }

 private:
  LabelPicker labels_of_;
  LabelIndex index_;
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
  ResultLabels labels_of(evaluator, binary);
  LabelIndex distinct;
  for (size_t row = 0; row < many.series(); ++row) {
    const uint32_t partner = one_row[many_group[row]];
    matching.partner.push_back(partner);
    if (partner == Matching::kNone) continue;
    // Equal results have to be looked at step by step.
    if (!distinct.Find(labels_of.PairsOf(many.labels(row), one.labels(partner))).fresh) {
      matching.partner.clear();
      return;
    }
  }
  SeriesList found = distinct.TakeLabels();
  auto results = std::make_shared<SeriesList>(many.series());
  for (size_t row = 0, next = 0; row < many.series(); ++row) {
    if (matching.partner[row] != Matching::kNone) (*results)[row] = std::move(found[next++]);
  }
  matching.results = std::move(results);
  matching.fixed = true;
}

}  // namespace

ResultLabels::ResultLabels(Evaluator& evaluator, const Binary& binary)
    : one_to_one_(binary.matching->cardinality == Cardinality::kOneToOne),
      on_(binary.matching->on) {
  SymbolTable& symbols = evaluator.symbols();
  const bool delayed = evaluator.context().options.delayed_name_removal;
  if (DropsName(binary.op) || (binary.return_bool && !delayed)) {
    const auto names = evaluator.dropped_names();
    dropped_.assign(names.begin(), names.end());
  }
  for (const std::string& name : binary.matching->labels) names_.push_back(symbols.Intern(name));
  for (const std::string& name : binary.matching->include) {
    included_.push_back(symbols.Intern(name));
  }
}

std::span<const LabelPair> ResultLabels::PairsOf(const Labels& many, const Labels& one) {
  const auto has = [](const std::vector<SymbolId>& names, SymbolId name) {
    return std::ranges::find(names, name) != names.end();
  };
  pairs_.clear();
  for (const LabelPair& pair : many) {
    if (has(dropped_, pair.name)) continue;
    if (one_to_one_ && has(names_, pair.name) != on_) continue;
    pairs_.push_back(pair);
  }
  for (const SymbolId name : included_) Include({name, one.Get(name)});
  return pairs_;
}

void ResultLabels::Include(LabelPair pair) {
  auto at = std::ranges::lower_bound(pairs_, pair.name, {}, &LabelPair::name);
  const bool there = at != pairs_.end() && at->name == pair.name;
  if (there) at = pairs_.erase(at);
  if (pair.value != kEmptySymbol) pairs_.insert(at, pair);
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
