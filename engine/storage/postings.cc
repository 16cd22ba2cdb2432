#include "engine/storage/postings.h"

#include <algorithm>
#include <set>

namespace tocsin {
namespace {

using List = Postings::List;

// The first element at or after `from` that is not less than `ref`. Steps double until they are too
// long, so a walk over a long list in short steps costs little, and so does one in long steps.
List::const_iterator Gallop(List::const_iterator from, List::const_iterator end, SeriesRef ref) {
  ptrdiff_t step = 1;
  while (step < end - from && from[step - 1] < ref) {
    from += step;
    step *= 2;
  }
  return std::lower_bound(from, step < end - from ? from + step : end, ref);
}

enum class Membership { kIn, kNotIn };

void Keep(List& candidates, const List& list, Membership wanted) {
  auto at = list.begin();
  std::erase_if(candidates, [&](SeriesRef ref) {
    at = Gallop(at, list.end(), ref);
    const bool in = at != list.end() && *at == ref;
    return in != (wanted == Membership::kIn);
  });
}

size_t TotalSize(const std::vector<const List*>& lists) {
  size_t size = 0;
  for (const List* list : lists) size += list->size();
  return size;
}

// Lists of different values of one label have no series in common.
List Merged(const std::vector<const List*>& lists) {
  List merged;
  merged.reserve(TotalSize(lists));
  for (const List* list : lists) merged.insert(merged.end(), list->begin(), list->end());
  if (lists.size() > 1) std::sort(merged.begin(), merged.end());
  return merged;
}

}  // namespace

void Postings::Add(SeriesRef ref, const Labels& labels) {
  for (const LabelPair& pair : labels) by_name_[pair.name][pair.value].push_back(ref);
  all_.push_back(ref);
}

void Postings::Remove(std::span<const Entry> entries) {
  List gone;
  std::set<LabelPair> touched;
  for (const Entry& entry : entries) {
    gone.push_back(entry.ref);
    touched.insert(entry.labels.begin(), entry.labels.end());
  }
  Keep(all_, gone, Membership::kNotIn);
  for (const LabelPair& pair : touched) {
    const auto values = by_name_.find(pair.name);
    const auto list = values->second.find(pair.value);
    Keep(list->second, gone, Membership::kNotIn);
    if (list->second.empty()) values->second.erase(list);
    if (values->second.empty()) by_name_.erase(values);
  }
}

const Postings::ByValue* Postings::Values(const Matcher& matcher,
                                          const SymbolTable& symbols) const {
  const std::optional<SymbolId> name = symbols.Find(matcher.name());
  if (!name) return nullptr;
  const auto found = by_name_.find(*name);
  return found == by_name_.end() ? nullptr : &found->second;
}

Postings::Lists Postings::ListsOfLiterals(const ByValue& values, const Matcher& matcher,
                                          const SymbolTable& symbols) const {
  Lists lists;
  for (const std::string& literal : matcher.literals()) {
    const std::optional<SymbolId> value = symbols.Find(literal);
    if (!value) continue;
    const auto found = values.find(*value);
    if (found != values.end()) lists.push_back(&found->second);
  }
  std::sort(lists.begin(), lists.end());
  lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
  return lists;
}

Postings::Lists Postings::Accepted(const Matcher& matcher, const SymbolTable& symbols) const {
  const ByValue* const values = Values(matcher, symbols);
  if (values == nullptr) return {};
  const bool positive = matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kRegex;
  if (positive && !matcher.literals().empty()) return ListsOfLiterals(*values, matcher, symbols);
  Lists lists;
  for (const auto& [value, list] : *values) {
    if (matcher.Matches(symbols.Text(value))) lists.push_back(&list);
  }
  return lists;
}

Postings::Lists Postings::Refused(const Matcher& matcher, const SymbolTable& symbols) const {
  const ByValue* const values = Values(matcher, symbols);
  if (values == nullptr) return {};
  const bool negative = matcher.op() == MatchOp::kNotEqual || matcher.op() == MatchOp::kNotRegex;
  if (negative && !matcher.literals().empty()) return ListsOfLiterals(*values, matcher, symbols);
  Lists lists;
  for (const auto& [value, list] : *values) {
    if (!matcher.Matches(symbols.Text(value))) lists.push_back(&list);
  }
  return lists;
}

List Postings::Find(std::span<const Matcher> matchers, const SymbolTable& symbols) const {
  std::vector<Lists> required;
  for (const Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty()) continue;
    required.push_back(Accepted(matcher, symbols));
    if (required.back().empty()) return {};
  }
  std::sort(required.begin(), required.end(),
            [](const Lists& a, const Lists& b) { return TotalSize(a) < TotalSize(b); });

  List found = required.empty() ? all_ : Merged(required.front());
  for (size_t i = 1; i < required.size(); ++i) {
    const Lists& lists = required[i];
    if (lists.size() == 1) {
      Keep(found, *lists.front(), Membership::kIn);
    } else {
      Keep(found, Merged(lists), Membership::kIn);
    }
  }
  for (const Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty()) continue;
    for (const List* list : Refused(matcher, symbols)) {
      if (found.empty()) return found;
      Keep(found, *list, Membership::kNotIn);
    }
  }
  return found;
}

size_t Postings::bytes() const {
  constexpr size_t kNodeBytes = 6 * sizeof(void*);
  size_t bytes = all_.capacity() * sizeof(SeriesRef);
  for (const auto& [name, values] : by_name_) {
    bytes += kNodeBytes + sizeof(ByValue);
    for (const auto& [value, list] : values) {
      bytes += kNodeBytes + sizeof(List) + list.capacity() * sizeof(SeriesRef);
    }
  }
  return bytes;
}

}  // namespace tocsin
