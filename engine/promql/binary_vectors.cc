// Binary operators between two vectors.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "engine/model/histogram.h"
#include "engine/promql/binary.h"

namespace tocsin::promql {
namespace {

using Cardinality = VectorMatching::Cardinality;
constexpr uint32_t kNone = Matching::kNone;

Operand At(const Block& block, size_t series, size_t step) {
  return {block.Value(series, step), block.Histogram(series, step).get()};
}

class VectorCombiner {
 public:
  VectorCombiner(Evaluator& evaluator, const PlanNode& node, const Block& lhs, const Block& rhs)
      : evaluator_(evaluator),
        binary_(*node.expr->As<Binary>()),
        vector_matching_(*binary_.matching),
        swapped_(vector_matching_.cardinality == Cardinality::kOneToMany),
        many_(swapped_ ? rhs : lhs),
        one_(swapped_ ? lhs : rhs),
        matching_(MatchRows(evaluator, node, lhs, rhs)),
        many_group_(swapped_ ? matching_->rhs_group : matching_->lhs_group),
        one_group_(swapped_ ? matching_->lhs_group : matching_->rhs_group),
        fill_many_(vector_matching_.fill_left),
        fill_one_(vector_matching_.fill_right),
        delayed_(evaluator.context().options.delayed_name_removal),
        labels_of_(evaluator, binary_),
        op_(binary_.op, binary_.return_bool, node.position, evaluator.annotations()),
        out_(many_.steps()) {}

  Result<Block> Run() {
    if (matching_->fixed) {
      // Rows with a partner have labels of their own, and the others have no values.
      RETURN_IF_ERROR(RunFixed());
      return std::move(out_);
    }
    for (size_t step = 0; step < many_.steps(); ++step) {
      RETURN_IF_ERROR(evaluator_.budget().CheckAlive());
      RETURN_IF_ERROR(RunStep(step));
    }
    RETURN_IF_ERROR(evaluator_.MergeEqualRows(out_));
    return std::move(out_);
  }

 private:
  // Arithmetic drops the name at once.
  bool Drops(const Block& many, size_t row) const {
    return (binary_.return_bool && delayed_) || many.drop_name(row);
  }

  // Every row has its partner, at all steps.
  Status RunFixed() {
    out_ = Block(matching_->results, many_.steps());
    const bool floats = !many_.has_histograms() && !one_.has_histograms() &&
                        binary_.op != BinaryOp::kTrimLower && binary_.op != BinaryOp::kTrimUpper;
    for (size_t row = 0; row < many_.series(); ++row) {
      RETURN_IF_ERROR(evaluator_.budget().CheckAlive());
      const uint32_t partner = matching_->partner[row];
      if (partner == kNone) continue;
      out_.set_drop_name(row, Drops(many_, row));
      for (size_t step = 0; step < many_.steps(); ++step) {
        if (!many_.Has(row, step) || !one_.Has(partner, step)) continue;
        if (floats) {
          const double many = many_.Value(row, step);
          const double one = one_.Value(partner, step);
          double value = 0;
          if (op_.ApplyFloats(swapped_ ? one : many, swapped_ ? many : one, value)) {
            out_.Set(row, step, value);
          }
        } else {
          Put(row, step, At(many_, row, step), At(one_, partner, step));
        }
      }
    }
    return Ok();
  }

  void Put(size_t row, size_t step, const Operand& many, const Operand& one) {
    ValueOperator::Answer answer = swapped_ ? op_.Apply(one, many) : op_.Apply(many, one);
    if (!answer.keep) return;
    if (answer.histogram != nullptr) {
      out_.Set(row, step, std::move(answer.histogram));
    } else {
      out_.Set(row, step, answer.value);
    }
  }

  bool AnyAt(const Block& block, size_t step) const {
    for (size_t series = 0; series < block.series(); ++series) {
      if (block.Has(series, step)) return true;
    }
    return false;
  }

  Status RunStep(size_t step) {
    // Without a partner anywhere there is neither result nor error.
    if (!fill_many_ && !fill_one_ && !(AnyAt(many_, step) && AnyAt(one_, step))) return Ok();
    std::vector<uint32_t> one_row(matching_->groups.size(), kNone);
    for (uint32_t row = 0; row < one_.series(); ++row) {
      if (!one_.Has(row, step)) continue;
      uint32_t& entry = one_row[one_group_[row]];
      if (entry != kNone) return DuplicateError(entry, row);
      entry = row;
    }
    std::vector<bool> matched(matching_->groups.size());
    for (uint32_t row = 0; row < many_.series(); ++row) {
      if (!many_.Has(row, step)) continue;
      const uint32_t group = many_group_[row];
      const uint32_t partner = one_row[group];
      if (partner == kNone && !fill_one_) continue;
      if (matched[group] && vector_matching_.cardinality == Cardinality::kOneToOne) {
        return ExecutionError(
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)");
      }
      matched[group] = true;
      const Operand one = partner == kNone ? Operand{*fill_one_} : At(one_, partner, step);
      const size_t to = RowOf(row, partner, group);
      RETURN_IF_ERROR(CheckUnique(to, group, step));
      Put(to, step, At(many_, row, step), one);
    }
    if (!fill_many_) return Ok();
    for (uint32_t row = 0; row < one_.series(); ++row) {
      const uint32_t group = one_group_[row];
      if (!one_.Has(row, step) || matched[group]) continue;
      const size_t to = RowOf(kNone, row, group);
      RETURN_IF_ERROR(CheckUnique(to, group, step));
      Put(to, step, Operand{*fill_many_}, At(one_, row, step));
    }
    return Ok();
  }

  // The row of the result for a row of each side; one that is missing is filled with the labels of
  // the group.
  size_t RowOf(uint32_t many, uint32_t one, uint32_t group) {
    const uint64_t key = (static_cast<uint64_t>(many) << 32) | one;
    const auto [entry, fresh] = rows_.try_emplace(key, out_.series());
    if (fresh) {
      const Labels& group_labels = matching_->groups[group];
      Labels labels = labels_of_.Of(many == kNone ? group_labels : many_.labels(many),
                                    one == kNone ? group_labels : one_.labels(one));
      first_row_.push_back(row_of_labels_.try_emplace(labels, out_.series()).first->second);
      last_match_.emplace_back();
      out_.AddSeries(std::move(labels),
                     many == kNone ? binary_.return_bool && delayed_ : Drops(many_, many));
    }
    return entry->second;
  }

  // Two rows of the many side with one partner must differ in their results, even where a
  // comparison leaves none of them.
  Status CheckUnique(size_t row, uint32_t group, size_t step) {
    if (vector_matching_.cardinality == Cardinality::kOneToOne) return Ok();
    std::optional<GroupAtStep>& last = last_match_[first_row_[row]];
    if (last && last->group == group && last->step == step) {
      return ExecutionError(
          "multiple matches for labels: grouping labels must ensure unique matches");
    }
    last = GroupAtStep{group, step};
    return Ok();
  }

  Error DuplicateError(uint32_t a, uint32_t b) const {
    const SymbolTable& symbols = evaluator_.symbols();
    if (CompareByText(one_.labels(a), one_.labels(b), symbols) > 0) std::swap(a, b);
    const auto text = [&](const Labels& labels) {
      std::string out = "{";
      for (const auto& [name, value] : labels.ToLabelSet(symbols)) {
        if (out.size() > 1) out += ", ";
        out += IsLegacyLabelName(name) ? name : QuoteLabelValue(name);
        out += "=" + QuoteLabelValue(value);
      }
      return out + "}";
    };
    return ExecutionError("found duplicate series for the match group " +
                          text(matching_->groups[one_group_[a]]) + " on the " +
                          (swapped_ ? "left" : "right") + " hand-side of the operation: [" +
                          text(one_.labels(a)) + ", " + text(one_.labels(b)) +
                          "];many-to-many matching not allowed: matching labels must be unique "
                          "on one side");
  }

  Evaluator& evaluator_;
  const Binary& binary_;
  const VectorMatching& vector_matching_;
  const bool swapped_;
  const Block& many_;
  const Block& one_;
  const std::shared_ptr<const Matching> matching_;
  const std::vector<uint32_t>& many_group_;
  const std::vector<uint32_t>& one_group_;
  // As in Prometheus, fill_left is that of the many side also where it stands on the right.
  const std::optional<double> fill_many_;
  const std::optional<double> fill_one_;
  const bool delayed_;
  ResultLabels labels_of_;
  ValueOperator op_;
  Block out_;
  std::unordered_map<uint64_t, size_t> rows_;
  // For each row of the result: the first one of the same labels, and where that was last matched.
  struct GroupAtStep {
    uint32_t group;
    size_t step;
  };
  std::vector<size_t> first_row_;
  std::vector<std::optional<GroupAtStep>> last_match_;
  std::unordered_map<Labels, size_t, LabelsHash> row_of_labels_;
};

void CopyValue(const Block& from, size_t from_row, size_t step, Block& to, size_t to_row) {
  if (const HistogramPtr& histogram = from.Histogram(from_row, step); histogram != nullptr) {
    to.Set(to_row, step, histogram);
  } else {
    to.Set(to_row, step, from.Value(from_row, step));
  }
}

// For each step, which groups have a row.
class GroupPresence {
 public:
  GroupPresence(const Block& block, const std::vector<uint32_t>& group_of, size_t groups)
      : words_((block.steps() + 63) / 64), bits_(groups * words_) {
    for (size_t row = 0; row < block.series(); ++row) {
      const std::span<const uint64_t> presence = block.Presence(row);
      for (size_t word = 0; word < words_; ++word) {
        bits_[group_of[row] * words_ + word] |= presence[word];
      }
    }
  }
  bool Has(uint32_t group, size_t step) const {
    return (bits_[group * words_ + step / 64] >> (step % 64)) & 1;
  }

 private:
  const size_t words_;
  std::vector<uint64_t> bits_;
};

// The rows of `block` at the steps where their group has a row on the other side, or has none.
Block Filtered(const Block& block, const std::vector<uint32_t>& group_of,
               const GroupPresence& other, bool wanted) {
  if (block.list() == nullptr) return Block(block.steps());
  Block out = block;
  for (size_t row = 0; row < block.series(); ++row) {
    for (size_t step = 0; step < block.steps(); ++step) {
      if (block.Has(row, step) && other.Has(group_of[row], step) != wanted) out.Clear(row, step);
    }
  }
  return out;
}

}  // namespace

Result<Block> CombineVectors(Evaluator& evaluator, const PlanNode& node, const Block& lhs,
                             const Block& rhs) {
  return VectorCombiner(evaluator, node, lhs, rhs).Run();
}

Result<Block> CombineSets(Evaluator& evaluator, const PlanNode& node, const Block& lhs,
                          const Block& rhs) {
  const Binary& binary = *node.expr->As<Binary>();
  const std::shared_ptr<const Matching> matching = MatchRows(evaluator, node, lhs, rhs);
  const size_t groups = matching->groups.size();
  if (binary.op != BinaryOp::kOr) {
    const GroupPresence right(rhs, matching->rhs_group, groups);
    return Filtered(lhs, matching->lhs_group, right, binary.op == BinaryOp::kAnd);
  }
  const GroupPresence left(lhs, matching->lhs_group, groups);
  Block out = lhs;
  for (size_t row = 0; row < rhs.series(); ++row) {
    size_t to = out.series();
    for (size_t step = 0; step < rhs.steps(); ++step) {
      if (!rhs.Has(row, step) || left.Has(matching->rhs_group[row], step)) continue;
      if (to == out.series()) out.AddSeries(rhs.labels(row), rhs.drop_name(row));
      CopyValue(rhs, row, step, out, to);
    }
  }
  RETURN_IF_ERROR(evaluator.MergeEqualRows(out));
  return out;
}

}  // namespace tocsin::promql
