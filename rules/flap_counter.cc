#include "rules/flap_counter.h"

#include <iterator>

namespace tocsin {

void FlapCounter::Note(const LabelSet& alert, Timestamp at) {
  transitions_[alert].push_back(at);
  ++total_;
}

void FlapCounter::Forget(Timestamp now) {
  for (auto entry = transitions_.begin(); entry != transitions_.end();) {
    std::deque<Timestamp>& times = entry->second;
    // A time ahead of now is from before the clock was set back.
    while (!times.empty() && (now - times.front() > kWindow || times.front() > now)) {
      times.pop_front();
      --total_;
    }
    entry = times.empty() ? transitions_.erase(entry) : std::next(entry);
  }
}

size_t FlapCounter::CountOf(const LabelSet& alert) const {
  const auto found = transitions_.find(alert);
  return found == transitions_.end() ? 0 : found->second.size();
}

}  // namespace tocsin
