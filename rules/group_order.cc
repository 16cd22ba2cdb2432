#include "rules/group_order.h"

#include <algorithm>
#include <numeric>

#include "base/hash.h"
#include "rules/rule_batches.h"

namespace tocsin {
namespace {

// Whether some time is a slot of both.
bool Meet(const RuleGroupSpec& a, const RuleGroupSpec& b) {
  const int64_t common = std::gcd(a.interval.count(), b.interval.count());
  return (SlotOffset(a) - SlotOffset(b)).count() % common == 0;
}

// Whether `from` waits for `to`, maybe through others.
bool Waits(const std::vector<std::vector<size_t>>& upstreams, size_t from, size_t to) {
  std::vector<bool> seen(upstreams.size(), false);
  std::vector<size_t> open = {from};
  while (!open.empty()) {
    const size_t group = open.back();
    open.pop_back();
    if (group == to) return true;
    if (seen[group]) continue;
    seen[group] = true;
    open.insert(open.end(), upstreams[group].begin(), upstreams[group].end());
  }
  return false;
}

}  // namespace

Duration SlotOffset(const RuleGroupSpec& spec) {
  if (spec.extensions.eval_offset) {
    return (*spec.extensions.eval_offset % spec.interval + spec.interval) % spec.interval;
  }
  const uint64_t hash = Hash64(spec.file + ";" + spec.name);
  return Duration{static_cast<int64_t>(hash % static_cast<uint64_t>(spec.interval.count()))};
}

Timestamp SlotAt(Timestamp now, Duration interval, Duration offset) {
  Duration into_slot = (now.time_since_epoch() - offset) % interval;
  if (into_slot < Duration::zero()) into_slot += interval;
  return now - into_slot;
}

std::vector<std::vector<size_t>> UpstreamsOf(const std::vector<const RuleGroupSpec*>& groups) {
  std::vector<std::vector<size_t>> upstreams(groups.size());
  // What lies in the file's order first, so that circles are cut where they go back.
  for (const bool backwards : {false, true}) {
    for (size_t reader = 0; reader < groups.size(); ++reader) {
      for (size_t writer = 0; writer < groups.size(); ++writer) {
        if (writer == reader || (writer > reader) != backwards) continue;
        if (!Meet(*groups[reader], *groups[writer])) continue;
        if (!ReadsFrom(*groups[reader], *groups[writer])) continue;
        if (!Waits(upstreams, writer, reader)) upstreams[reader].push_back(writer);
      }
    }
  }
  return upstreams;
}

}  // namespace tocsin
