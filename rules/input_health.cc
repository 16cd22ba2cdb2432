#include "rules/input_health.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "engine/model/matcher.h"
#include "engine/model/sample.h"

namespace tocsin {
namespace {

constexpr Duration kRemembered = std::chrono::hours(1);
constexpr Duration kLive = std::chrono::minutes(5);

bool MayRead(const QueryInput& input, const DataSource& source) {
  return std::ranges::all_of(input.selector->matchers, [&](const Matcher& matcher) {
    return !source.labels.Has(matcher.name()) || matcher.Matches(source.labels.Get(matcher.name()));
  });
}

bool Names(const QueryInput& input, const DataSource& source) {
  return std::ranges::any_of(input.selector->matchers, [&](const Matcher& matcher) {
    return source.labels.Has(matcher.name()) && !matcher.MatchesEmpty();
  });
}

enum class Found { kNothing, kLive, kEnded };

// What there is of the source among what the selector selects.
Found Find(const QueryInput& input, const DataSource& source, const Querier& querier,
           Timestamp now) {
  std::vector<Matcher> matchers = input.selector->matchers;
  for (const auto& [name, value] : source.labels) matchers.push_back(Matcher::Equal(name, value));
  const TimeRange range{ToMs(now - kRemembered), ToMs(now)};
  SymbolTable overlay(querier.symbols());
  const auto series = querier.Select(matchers, range, {}, overlay);
  if (!series.ok()) return Found::kNothing;
  Found found = Found::kNothing;
  for (size_t i = 0; i < (*series)->size(); ++i) {
    const std::optional<SeriesSet::Newest> newest = (*series)->ReadNewest(i, range);
    if (!newest) continue;
    const bool stale = newest->histogram == nullptr && IsStaleNan(newest->value);
    if (stale || now - FromMs(newest->t_ms) > kLive) return Found::kEnded;
    found = Found::kLive;
  }
  return found;
}

}  // namespace

std::vector<DataSource> BrokenSources(std::vector<DataSource> sources, Timestamp now) {
  std::erase_if(sources, [now](const DataSource& source) {
    if (source.failing) return false;
    return !source.last_collection || now - *source.last_collection <= 3 * source.interval;
  });
  return sources;
}

std::vector<std::string> DegradedBy(const std::vector<QueryInput>& inputs,
                                    const std::vector<DataSource>& broken, const Querier& querier,
                                    Timestamp now) {
  std::vector<std::string> names;
  for (const DataSource& source : broken) {
    const bool reads = std::ranges::any_of(inputs, [&](const QueryInput& input) {
      if (!MayRead(input, source)) return false;
      const Found found = Find(input, source, querier, now);
      return found == Found::kEnded || (found == Found::kNothing && Names(input, source));
    });
    if (reads) names.push_back(source.name);
  }
  return names;
}

std::vector<std::string> NotYetCollected(const std::vector<QueryInput>& inputs,
                                         const std::vector<DataSource>& sources) {
  std::vector<std::string> names;
  for (const DataSource& source : sources) {
    const bool waits = std::ranges::any_of(inputs, [&](const QueryInput& input) {
      const uint64_t needed = input.range_ms > 0 ? 2 : 1;
      return source.collections < needed && MayRead(input, source);
    });
    if (waits) names.push_back(source.name);
  }
  return names;
}

}  // namespace tocsin
