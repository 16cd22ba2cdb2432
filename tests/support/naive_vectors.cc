#include "tests/support/naive_vectors.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/naive_notes.h"

namespace tocsin::testing_support {
namespace {

using promql::Binary;
using promql::BinaryOp;
using promql::VectorMatching;
using Vector = NaiveVector;
using Cardinality = VectorMatching::Cardinality;

// What two elements must have in common to be partners.
LabelSet Key(const LabelSet& labels, const VectorMatching& matching) {
  if (matching.on) return Kept(labels, matching.labels);
  LabelSet key = Removed(labels, matching.labels);
  key.Remove(kMetricName);
  return key;
}

class Partners {
 public:
  Partners(const Binary& binary, NaiveNotes& notes)
      : binary_(binary),
        notes_(notes),
        matching_(*binary.matching),
        one_to_many_(matching_.cardinality == Cardinality::kOneToMany),
        one_to_one_(matching_.cardinality == Cardinality::kOneToOne) {}

  Result<NaiveValue> Match(const Vector& lhs, const Vector& rhs) {
    std::map<LabelSet, const NaiveElement*> ones;
    for (const NaiveElement& element : one_to_many_ ? lhs : rhs) {
      if (!ones.emplace(Key(element.labels, matching_), &element).second) {
        return ExecutionError("two partners on the one side");
      }
    }
    for (const NaiveElement& element : one_to_many_ ? rhs : lhs) {
      const LabelSet key = Key(element.labels, matching_);
      const auto one = ones.find(key);
      if (one == ones.end() && !matching_.fill_right) continue;
      if (!used_.insert(key).second && one_to_one_) {
        return ExecutionError("two partners on the left side");
      }
      RETURN_IF_ERROR(Add(
          key, element,
          one == ones.end() ? NaiveElement{key, {*matching_.fill_right, nullptr}} : *one->second));
    }
    for (const auto& [key, one] : ones) {
      if (!matching_.fill_left || used_.contains(key)) continue;
      RETURN_IF_ERROR(Add(key, {key, {*matching_.fill_left, nullptr}}, *one));
    }
    return NaiveUnique(std::move(out_));
  }

 private:
  Status Add(const LabelSet& key, const NaiveElement& many, const NaiveElement& one) {
    const NaiveNumber& left = one_to_many_ ? one.number : many.number;
    const NaiveNumber& right = one_to_many_ ? many.number : one.number;
    NoteBinary(binary_, left, right, notes_);
    const std::optional<NaiveNumber> number = NaiveCompute(binary_, left, right);
    const bool keeps_left = IsComparison(binary_.op) && !binary_.return_bool;
    const bool trims = binary_.op == BinaryOp::kTrimUpper || binary_.op == BinaryOp::kTrimLower;
    LabelSet labels = keeps_left || trims ? many.labels : WithoutName(many.labels);
    if (one_to_one_) {
      labels = matching_.on ? Kept(labels, matching_.labels) : Removed(labels, matching_.labels);
    }
    for (const std::string& name : matching_.include) labels.Set(name, one.labels.Get(name));
    if (!one_to_one_ && !results_.insert({key, labels}).second) {
      return ExecutionError("two equal results of one partner");
    }
    if (number) out_.push_back({std::move(labels), keeps_left ? left : *number});
    return Ok();
  }

  const Binary& binary_;
  NaiveNotes& notes_;
  const VectorMatching& matching_;
  const bool one_to_many_;
  const bool one_to_one_;
  std::set<LabelSet> used_;
  std::set<std::pair<LabelSet, LabelSet>> results_;
  Vector out_;
};

}  // namespace

LabelSet WithoutName(LabelSet labels) {
  for (const std::string_view name : {"__name__", "__type__", "__unit__"}) labels.Remove(name);
  return labels;
}

LabelSet Kept(const LabelSet& labels, const std::vector<std::string>& names) {
  LabelSet kept;
  for (const std::string& name : names) kept.Set(name, labels.Get(name));
  return kept;
}

LabelSet Removed(LabelSet labels, const std::vector<std::string>& names) {
  for (const std::string& name : names) labels.Remove(name);
  return labels;
}

Result<NaiveValue> NaiveUnique(Vector vector) {
  std::set<LabelSet> seen;
  for (const NaiveElement& element : vector) {
    if (!seen.insert(element.labels).second) {
      return ExecutionError("two elements with the labels " + element.labels.ToString());
    }
  }
  return NaiveValue{.vector = std::move(vector)};
}

Result<NaiveValue> NaiveWithScalar(const Binary& binary, const NaiveValue& lhs,
                                   const NaiveValue& rhs, NaiveNotes& notes) {
  const bool filters = IsComparison(binary.op) && !binary.return_bool;
  const bool trims = binary.op == BinaryOp::kTrimUpper || binary.op == BinaryOp::kTrimLower;
  Vector out;
  for (const NaiveElement& element : lhs.is_scalar ? rhs.vector : lhs.vector) {
    const NaiveNumber scalar{lhs.is_scalar ? lhs.scalar : rhs.scalar, nullptr};
    const NaiveNumber& left = lhs.is_scalar ? scalar : element.number;
    const NaiveNumber& right = lhs.is_scalar ? element.number : scalar;
    NoteBinary(binary, left, right, notes);
    const std::optional<NaiveNumber> number = NaiveCompute(binary, left, right);
    if (!number) continue;
    if (filters) {
      out.push_back(element);
    } else if (trims) {
      out.push_back({element.labels, *number});
    } else {
      out.push_back({WithoutName(element.labels), *number});
    }
  }
  return NaiveUnique(std::move(out));
}

Result<NaiveValue> NaiveSets(const Binary& binary, const Vector& lhs, const Vector& rhs) {
  const auto keys = [&](const Vector& vector) {
    std::set<LabelSet> found;
    for (const NaiveElement& element : vector) {
      found.insert(Key(element.labels, *binary.matching));
    }
    return found;
  };
  Vector out;
  const std::set<LabelSet> right = keys(rhs);
  for (const NaiveElement& element : lhs) {
    const bool has_partner = right.contains(Key(element.labels, *binary.matching));
    if (binary.op == BinaryOp::kOr || has_partner == (binary.op == BinaryOp::kAnd)) {
      out.push_back(element);
    }
  }
  const std::set<LabelSet> left = keys(lhs);
  for (const NaiveElement& element : rhs) {
    if (binary.op == BinaryOp::kOr && !left.contains(Key(element.labels, *binary.matching))) {
      out.push_back(element);
    }
  }
  return NaiveUnique(std::move(out));
}

Result<NaiveValue> NaiveMatched(const Binary& binary, const Vector& lhs, const Vector& rhs,
                                NaiveNotes& notes) {
  const VectorMatching& matching = *binary.matching;
  if ((lhs.empty() || rhs.empty()) && !matching.fill_left && !matching.fill_right) {
    return NaiveValue();
  }
  return Partners(binary, notes).Match(lhs, rhs);
}

}  // namespace tocsin::testing_support
