#include "tests/support/naive_vectors.h"

#include <algorithm>
#include <map>
#include <set>

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
                                   const NaiveValue& rhs) {
  const bool filters = IsComparison(binary.op) && !binary.return_bool;
  Vector out;
  for (const NaiveElement& element : lhs.is_scalar ? rhs.vector : lhs.vector) {
    const NaiveNumber scalar{lhs.is_scalar ? lhs.scalar : rhs.scalar, nullptr};
    const std::optional<NaiveNumber> number = lhs.is_scalar
                                                  ? NaiveCompute(binary, scalar, element.number)
                                                  : NaiveCompute(binary, element.number, scalar);
    if (!number) continue;
    if (filters) {
      out.push_back(element);
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

Result<NaiveValue> NaiveMatched(const Binary& binary, const Vector& lhs, const Vector& rhs) {
  if (lhs.empty() || rhs.empty()) return NaiveValue();
  const VectorMatching& matching = *binary.matching;
  const bool one_to_many = matching.cardinality == Cardinality::kOneToMany;
  const Vector& many = one_to_many ? rhs : lhs;
  std::map<LabelSet, const NaiveElement*> ones;
  for (const NaiveElement& element : one_to_many ? lhs : rhs) {
    if (!ones.emplace(Key(element.labels, matching), &element).second) {
      return ExecutionError("two partners on the one side");
    }
  }
  const bool filters = IsComparison(binary.op) && !binary.return_bool;
  std::set<LabelSet> used;
  std::set<std::pair<LabelSet, LabelSet>> results;
  Vector out;
  for (const NaiveElement& element : many) {
    const LabelSet key = Key(element.labels, matching);
    const auto one = ones.find(key);
    if (one == ones.end()) continue;
    if (matching.cardinality == Cardinality::kOneToOne && !used.insert(key).second) {
      return ExecutionError("two partners on the left side");
    }
    const NaiveNumber& left = one_to_many ? one->second->number : element.number;
    const NaiveNumber& right = one_to_many ? element.number : one->second->number;
    const std::optional<NaiveNumber> number = NaiveCompute(binary, left, right);
    LabelSet labels = filters ? element.labels : WithoutName(element.labels);
    if (matching.cardinality == Cardinality::kOneToOne) {
      labels = matching.on ? Kept(labels, matching.labels) : Removed(labels, matching.labels);
    }
    for (const std::string& name : matching.include) {
      labels.Set(name, one->second->labels.Get(name));
    }
    if (matching.cardinality != Cardinality::kOneToOne && !results.insert({key, labels}).second) {
      return ExecutionError("two equal results of one partner");
    }
    if (!number) continue;
    out.push_back({std::move(labels), filters ? left : *number});
  }
  return NaiveUnique(std::move(out));
}

}  // namespace tocsin::testing_support
