#include "rules/handover.h"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

struct Heir {
  RuleGroup* group = nullptr;
  size_t index = 0;

  const RuleSpec& spec() const { return group->spec().rules[index]; }
};

bool AreNamesakes(const FormerRule& former, const Heir& heir) {
  return former.alerting == heir.spec().alerting && former.name == heir.spec().name &&
         former.labels == heir.spec().labels;
}

bool StandInTheSameGroup(const FormerRule& former, const Heir& heir) {
  return former.group == heir.group->spec().name && former.file == heir.group->spec().file &&
         AreNamesakes(former, heir);
}

bool SayTheSame(const FormerRule& former, const Heir& heir) {
  return former.query == heir.group->canonical_query(heir.index) && AreNamesakes(former, heir);
}

// Both lists lose the pairs that have found each other.
void Match(std::vector<FormerRule>& former, std::vector<Heir>& heirs,
           bool (*match)(const FormerRule&, const Heir&)) {
  std::erase_if(heirs, [&](const Heir& heir) {
    const auto found =
        std::ranges::find_if(former, [&](const FormerRule& rule) { return match(rule, heir); });
    if (found == former.end()) return false;
    heir.group->Remember(heir.index, std::move(found->memory));
    former.erase(found);
    return true;
  });
}

}  // namespace

HandOverResult HandOver(std::vector<FormerRule> former, const std::vector<RuleGroup*>& groups) {
  std::vector<Heir> heirs;
  for (RuleGroup* group : groups) {
    for (size_t i = 0; i < group->size(); ++i) heirs.push_back({group, i});
  }
  Match(former, heirs, &StandInTheSameGroup);
  Match(former, heirs, &SayTheSame);
  HandOverResult result{.left = std::move(former), .newcomers = {}};
  for (const Heir& heir : heirs) result.newcomers.push_back(&heir.spec());
  return result;
}

}  // namespace tocsin
