// info(): adds labels of info metrics to the series that they describe.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/promql/evaluator.h"
#include "engine/promql/functions.h"

namespace tocsin::promql {
namespace {

constexpr std::array<std::string_view, 2> kIdentifyingLabels = {"instance", "job"};

// Which info series count, and which of their labels.
struct InfoSelector {
  std::vector<Matcher> name_matchers;
  std::vector<Matcher> data_matchers;
};

Result<InfoSelector> SelectorOf(const Call& call) {
  InfoSelector selector;
  bool positive = false;
  if (call.args.size() > 1) {
    for (const Matcher& matcher : Unwrapped(*call.args[1]).As<VectorSelector>()->matchers) {
      const bool name = matcher.name() == kMetricName;
      (name ? selector.name_matchers : selector.data_matchers).push_back(matcher);
      positive = positive ||
                 (name && (matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kRegex));
    }
  }
  if (selector.name_matchers.empty()) {
    selector.name_matchers.push_back(Matcher::Equal(kMetricName, "target_info"));
  } else if (!positive) {
    // What is only told not to match must still be an info metric.
    ASSIGN_OR_RETURN(Matcher any, Matcher::Make(MatchOp::kRegex, kMetricName, ".+_info"));
    selector.name_matchers.push_back(std::move(any));
  }
  return selector;
}

// The selector or subquery that decides when the info series are looked at, and what is around it.
bool FindTimes(const PlanNode& node, std::vector<const LookTime*>& path) {
  const bool has_time = node.selector != nullptr || node.expr->As<Subquery>() != nullptr;
  if (has_time) path.push_back(&node.time);
  if (node.selector != nullptr) return true;
  for (const PlanEdge& input : node.inputs) {
    if (FindTimes(*input.node, path)) return true;
  }
  if (has_time) path.pop_back();
  return false;
}

class InfoJoin {
 public:
  InfoJoin(Evaluator& evaluator, const PlanNode& node, const Steps& steps, InfoSelector selector)
      : evaluator_(evaluator), steps_(steps), selector_(std::move(selector)), out_(steps.count) {
    for (size_t i = 0; i < kIdentifyingLabels.size(); ++i) {
      identifying_[i] = evaluator.symbols().Intern(kIdentifyingLabels[i]);
    }
    std::vector<const LookTime*> path;
    FindTimes(*node.inputs[0].node, path);
    for (size_t step = 0; step < steps.count; ++step) {
      int64_t t = steps.At(step);
      for (const LookTime* time : path) t = evaluator.LookAt(*time, t);
      times_.push_back(t);
    }
    for (const Matcher& matcher : selector_.data_matchers) {
      data_labels_.insert(evaluator.symbols().Intern(matcher.name()));
      required_ = required_ || !matcher.MatchesEmpty();
    }
  }

  Result<Block> Run(const Block& base) {
    NoteIdentities(base);
    RETURN_IF_ERROR(ReadInfoSeries());
    RETURN_IF_ERROR(PickNewest(base));
    for (size_t series = 0; series < base.series(); ++series) {
      RETURN_IF_ERROR(evaluator_.budget().CheckAlive());
      if (IsInfo(base.labels(series))) {
        const size_t row = out_.AddSeries(base.labels(series), base.drop_name(series));
        for (size_t step = 0; step < steps_.count; ++step) CopyValue(base, series, step, row);
      } else {
        RETURN_IF_ERROR(Enrich(base, series));
      }
    }
    RETURN_IF_ERROR(evaluator_.MergeEqualRows(out_));
    return std::move(out_);
  }

 private:
  using Identity = std::array<SymbolId, kIdentifyingLabels.size()>;
  static constexpr int64_t kAbsent = INT64_MIN;

  struct InfoSeries {
    Labels labels;
    std::vector<int64_t> sample_ms;  // by step: the time of the sample that is seen, or kAbsent
  };
  // The series of one info metric that describe the same thing.
  struct Group {
    std::vector<size_t> members;
    std::vector<std::optional<size_t>> newest;  // by step
  };

  Identity IdentityOf(const Labels& labels) const {
    return {labels.Get(identifying_[0]), labels.Get(identifying_[1])};
  }

  bool IsInfo(const Labels& labels) const {
    const std::string_view name = evaluator_.symbols().Text(labels.Get(evaluator_.metric_name()));
    return std::ranges::all_of(selector_.name_matchers,
                               [name](const Matcher& matcher) { return matcher.Matches(name); });
  }

  void NoteIdentities(const Block& base) {
    for (size_t series = 0; series < base.series(); ++series) {
      if (!base.AnyPresent(series) || IsInfo(base.labels(series))) continue;
      const Identity identity = IdentityOf(base.labels(series));
      for (size_t i = 0; i < identity.size(); ++i) {
        if (identity[i] != kEmptySymbol) known_[i].insert(identity[i]);
      }
    }
  }

  bool IsKnown(const Labels& labels) const {
    const Identity identity = IdentityOf(labels);
    for (size_t i = 0; i < identity.size(); ++i) {
      if (!known_[i].empty() && !known_[i].contains(identity[i])) return false;
    }
    return true;
  }

  Status ReadInfoSeries() {
    if (known_[0].empty() && known_[1].empty()) return Ok();
    const EvaluatorContext& context = evaluator_.context();
    const auto [first, last] = std::ranges::minmax_element(times_);
    const TimeRange range{*first - context.lookback_ms + 1, *last};
    std::vector<Matcher> matchers = selector_.name_matchers;
    matchers.insert(matchers.end(), selector_.data_matchers.begin(), selector_.data_matchers.end());
    ASSIGN_OR_RETURN(
        const std::unique_ptr<SeriesSet> set,
        context.querier.Select(matchers, range, {.function = "info"}, evaluator_.symbols()));
    evaluator_.budget().CountSeries(set->size());
    SampleColumns columns;
    for (size_t series = 0; series < set->size(); ++series) {
      if (!IsKnown(set->labels(series))) continue;
      RETURN_IF_ERROR(evaluator_.budget().CheckAlive());
      columns.clear();
      RETURN_IF_ERROR(set->Read(series, range, columns));
      evaluator_.budget().CountLoaded(columns.size());
      RETURN_IF_ERROR(AddInfoSeries(set->labels(series), columns));
    }
    return Ok();
  }

  Status AddInfoSeries(const Labels& labels, const SampleColumns& columns) {
    InfoSeries series{labels, std::vector<int64_t>(steps_.count, kAbsent)};
    for (size_t step = 0; step < steps_.count; ++step) {
      const auto after = std::ranges::upper_bound(columns.t_ms, times_[step]);
      if (after == columns.t_ms.begin()) continue;
      const auto i = static_cast<size_t>(after - columns.t_ms.begin()) - 1;
      if (columns.t_ms[i] <= times_[step] - evaluator_.context().lookback_ms ||
          IsStaleNan(columns.values[i])) {
        continue;
      }
      if (!columns.histograms.empty() && columns.histograms[i] != nullptr) {
        return ExecutionError("this should be an info metric, with float samples");
      }
      series.sample_ms[step] = columns.t_ms[i];
    }
    const SymbolId name = labels.Get(evaluator_.metric_name());
    Group& group = groups_[IdentityOf(labels)][name];
    group.newest.resize(steps_.count);
    group.members.push_back(info_.size());
    info_.push_back(std::move(series));
    return Ok();
  }

  // Where the series of a group overlap, the newest sample decides.
  Status PickNewest(const Block& base) {
    std::vector<bool> asked(steps_.count);
    for (size_t series = 0; series < base.series(); ++series) {
      for (size_t step = 0; step < steps_.count; ++step) {
        if (base.Has(series, step)) asked[step] = true;
      }
    }
    for (auto& [identity, by_name] : groups_) {
      for (auto& [name, group] : by_name) {
        for (size_t step = 0; step < steps_.count; ++step) {
          if (asked[step]) RETURN_IF_ERROR(PickNewestAt(step, group));
        }
      }
    }
    return Ok();
  }

  Status PickNewestAt(size_t step, Group& group) const {
    std::optional<size_t>& newest = group.newest[step];
    for (const size_t member : group.members) {
      const int64_t t_ms = info_[member].sample_ms[step];
      if (t_ms == kAbsent) continue;
      if (newest && info_[*newest].sample_ms[step] == t_ms) {
        const auto text = [&](size_t series) {
          return info_[series].labels.ToLabelSet(evaluator_.symbols()).ToString() + " @ " +
                 std::to_string(t_ms);
        };
        return ExecutionError("found duplicate series for info metric: existing " + text(*newest) +
                              ", new " + text(member));
      }
      if (!newest || info_[*newest].sample_ms[step] < t_ms) newest = member;
    }
    return Ok();
  }

  // One row for each set of info series that describes the series at some step.
  Status Enrich(const Block& base, size_t series) {
    const Labels& labels = base.labels(series);
    const auto groups = groups_.find(IdentityOf(labels));
    std::map<std::vector<size_t>, size_t> row_of;
    std::vector<size_t> matching;
    for (size_t step = 0; step < steps_.count; ++step) {
      if (!base.Has(series, step)) continue;
      matching.clear();
      if (groups != groups_.end()) {
        for (const auto& [name, group] : groups->second) {
          if (group.newest[step]) matching.push_back(*group.newest[step]);
        }
      }
      if (matching.empty() && required_) continue;
      const auto [entry, fresh] = row_of.try_emplace(matching, 0);
      if (fresh) {
        ASSIGN_OR_RETURN(Labels enriched, WithInfo(labels, matching));
        entry->second = out_.AddSeries(std::move(enriched), base.drop_name(series));
      }
      CopyValue(base, series, step, entry->second);
    }
    return Ok();
  }

  // Labels that the series has already stay as they are.
  Result<Labels> WithInfo(const Labels& base, const std::vector<size_t>& matching) const {
    Labels labels = base;
    for (const size_t info : matching) {
      for (const LabelPair& pair : info_[info].labels) {
        if (pair.name == evaluator_.metric_name() || base.Get(pair.name) != kEmptySymbol) continue;
        if (!data_labels_.empty() && !data_labels_.contains(pair.name)) continue;
        const SymbolId other = labels.Get(pair.name);
        if (other != kEmptySymbol && other != pair.value) {
          return ExecutionError("conflicting label: " +
                                std::string(evaluator_.symbols().Text(pair.name)));
        }
        labels.Set(pair.name, pair.value);
      }
    }
    return labels;
  }

  void CopyValue(const Block& base, size_t series, size_t step, size_t row) {
    if (!base.Has(series, step)) return;
    if (const HistogramPtr& histogram = base.Histogram(series, step); histogram != nullptr) {
      out_.Set(row, step, histogram);
    } else {
      out_.Set(row, step, base.Value(series, step));
    }
  }

  Evaluator& evaluator_;
  const Steps& steps_;
  const InfoSelector selector_;
  std::set<SymbolId> data_labels_;
  bool required_ = false;  // a data matcher refuses the empty string
  Identity identifying_{};
  std::vector<int64_t> times_;  // by step: when the info series are looked at
  std::array<std::set<SymbolId>, kIdentifyingLabels.size()> known_;  // values of the base series
  std::vector<InfoSeries> info_;
  std::map<Identity, std::map<SymbolId, Group>> groups_;  // by identity and metric name
  Block out_;
};

}  // namespace

Result<Block> SpecialInfo(Evaluator& evaluator, const PlanNode& node, const Steps& steps) {
  ASSIGN_OR_RETURN(InfoSelector selector, SelectorOf(*node.expr->As<Call>()));
  ASSIGN_OR_RETURN(const Block base, evaluator.Evaluate(node.inputs[0], steps));
  return InfoJoin(evaluator, node, steps, std::move(selector)).Run(base);
}

}  // namespace tocsin::promql
