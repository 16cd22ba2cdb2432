#include "rules/backtest/layered_querier.h"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

// Some series of one or two sets. Labels of the upper store are those of the query's own table.
class LayeredSet final : public SeriesSet {
 public:
  void Keep(std::unique_ptr<SeriesSet> set) { sets_.push_back(std::move(set)); }
  void Add(size_t series, Labels labels) {
    entries_.push_back({sets_.back().get(), series, std::move(labels)});
  }

  size_t size() const override { return entries_.size(); }
  const Labels& labels(size_t series) const override { return entries_[series].labels; }
  uint64_t id(size_t /*series*/) const override { return 0; }
  Status Read(size_t series, TimeRange range, SampleColumns& columns) const override {
    const Entry& entry = entries_[series];
    return entry.set->Read(entry.series, range, columns);
  }
  std::optional<Newest> ReadNewest(size_t series, TimeRange range) const override {
    const Entry& entry = entries_[series];
    return entry.set->ReadNewest(entry.series, range);
  }

 private:
  struct Entry {
    const SeriesSet* set;
    size_t series;
    Labels labels;
  };
  std::vector<std::unique_ptr<SeriesSet>> sets_;
  std::vector<Entry> entries_;
};

// The name that all selected series have; "" when the matchers leave it open.
std::string_view NameOf(std::span<const Matcher> matchers) {
  for (const Matcher& matcher : matchers) {
    if (matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual) return matcher.value();
  }
  return {};
}

std::vector<std::string> Merged(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::ranges::sort(a);
  const auto [first, last] = std::ranges::unique(a);
  a.erase(first, last);
  return a;
}

}  // namespace

LayeredQuerier::LayeredQuerier(const Querier& lower, const Querier& upper,
                               std::set<std::string, std::less<>> shadowed)
    : lower_(lower), upper_(upper), shadowed_(std::move(shadowed)) {}

Result<std::unique_ptr<SeriesSet>> LayeredQuerier::Select(std::span<const Matcher> matchers,
                                                          TimeRange range, const SelectHints& hints,
                                                          SymbolTable& overlay) const {
  const std::string_view name = NameOf(matchers);
  // The usual case needs no second look at each series.
  if (!name.empty() && !shadowed_.contains(name)) {
    return lower_.Select(matchers, range, hints, overlay);
  }
  auto merged = std::make_unique<LayeredSet>();
  if (name.empty()) {
    ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> set,
                     lower_.Select(matchers, range, hints, overlay));
    const std::optional<SymbolId> name_id = overlay.Find(kMetricName);
    const SeriesSet& lower = *set;
    merged->Keep(std::move(set));
    for (size_t i = 0; i < lower.size(); ++i) {
      const std::string_view metric =
          name_id ? overlay.Text(lower.labels(i).Get(*name_id)) : std::string_view();
      if (!shadowed_.contains(metric)) merged->Add(i, lower.labels(i));
    }
  }
  // The upper store's ids are those of its own table.
  SymbolTable own(upper_.symbols());
  ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> set, upper_.Select(matchers, range, hints, own));
  const SeriesSet& upper = *set;
  merged->Keep(std::move(set));
  for (size_t i = 0; i < upper.size(); ++i) {
    merged->Add(i, Labels::Intern(upper.labels(i).ToLabelSet(own), overlay));
  }
  return std::unique_ptr<SeriesSet>(std::move(merged));
}

Result<std::vector<std::string>> LayeredQuerier::LabelNames(Selectors selectors,
                                                            TimeRange range) const {
  ASSIGN_OR_RETURN(std::vector<std::string> lower, lower_.LabelNames(selectors, range));
  ASSIGN_OR_RETURN(const std::vector<std::string> upper, upper_.LabelNames(selectors, range));
  return Merged(std::move(lower), upper);
}

Result<std::vector<std::string>> LayeredQuerier::LabelValues(std::string_view name,
                                                             Selectors selectors,
                                                             TimeRange range) const {
  ASSIGN_OR_RETURN(std::vector<std::string> lower, lower_.LabelValues(name, selectors, range));
  ASSIGN_OR_RETURN(const std::vector<std::string> upper,
                   upper_.LabelValues(name, selectors, range));
  return Merged(std::move(lower), upper);
}

Result<std::vector<LabelSet>> LayeredQuerier::Series(Selectors selectors, TimeRange range) const {
  ASSIGN_OR_RETURN(std::vector<LabelSet> series, lower_.Series(selectors, range));
  std::erase_if(
      series, [&](const LabelSet& labels) { return shadowed_.contains(labels.Get(kMetricName)); });
  ASSIGN_OR_RETURN(std::vector<LabelSet> upper, upper_.Series(selectors, range));
  std::ranges::move(upper, std::back_inserter(series));
  std::ranges::sort(series);
  return series;
}

std::set<std::string, std::less<>> NamesWrittenBy(const std::vector<RuleGroupSpec>& groups) {
  std::set<std::string, std::less<>> names = {"ALERTS", "ALERTS_FOR_STATE"};
  for (const RuleGroupSpec& group : groups) {
    for (const RuleSpec& rule : group.rules) {
      if (!rule.alerting) names.insert(rule.name);
    }
  }
  return names;
}

}  // namespace tocsin
