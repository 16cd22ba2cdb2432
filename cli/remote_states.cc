#include "cli/remote_states.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "engine/storage/http_querier.h"

namespace tocsin::cli {
namespace {

// For one rule: a server that hangs must not hold up the first evaluation.
constexpr Duration kPatience = std::chrono::seconds(10);

// Drops the alerts whose series had ended by `interval` after their last sample.
Status DropEnded(const HttpQuerier& querier, const RuleSpec& rule, Duration interval,
                 const std::function<bool()>& canceled, StoredStates& states) {
  const std::vector<Matcher> matchers = StateSeries(rule);
  std::map<Timestamp, std::set<LabelSet>> present;
  for (const auto& [labels, state] : states) present.try_emplace(state.seen_at);
  for (auto& [seen_at, found] : present) {
    const int64_t t_ms = ToMs(seen_at + interval + std::chrono::seconds(1));
    ASSIGN_OR_RETURN(const std::vector<LabelSet> series,
                     querier.SeriesAt(matchers, t_ms, canceled));
    for (LabelSet labels : series) {
      labels.Remove(kMetricName);
      found.insert(std::move(labels));
    }
  }
  std::erase_if(states, [&](const auto& state) {
    return !present.at(state.second.seen_at).contains(state.first);
  });
  return Ok();
}

}  // namespace

RemoteStates AskForStates(HttpClient& http, const Clock& clock, const std::string& url) {
  if (url.empty()) return {};
  return [querier = std::make_shared<const HttpQuerier>(http, url), &clock](
             const RuleSpec& rule, Duration interval, Timestamp now,
             const RestorePolicy& policy) -> Result<StoredStates> {
    const auto canceled = [&clock, deadline = clock.Steady() + kPatience] {
      return clock.Steady() > deadline;
    };
    ASSIGN_OR_RETURN(StoredStates states,
                     ReadStoredStates(*querier, rule, now, policy, {.canceled = canceled}));
    RETURN_IF_ERROR(DropEnded(*querier, rule, interval, canceled, states));
    return states;
  };
}

}  // namespace tocsin::cli
