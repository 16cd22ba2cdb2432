// How often alerts begin and cease to fire.
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_map>

#include "base/time.h"
#include "engine/model/label_set.h"

namespace tocsin {

// Counts over the hour that ends now. An alert that vanishes is still counted, as flapping alerts
// do vanish.
//
// Not thread-safe.
class FlapCounter {
 public:
  static constexpr Duration kWindow = std::chrono::hours(1);

  void Note(const LabelSet& alert, Timestamp at);
  // Drops what is older than the window.
  void Forget(Timestamp now);
  size_t CountOf(const LabelSet& alert) const;
  size_t total() const { return total_; }

 private:
  struct ByHash {
    size_t operator()(const LabelSet& labels) const { return labels.Hash(); }
  };
  std::unordered_map<LabelSet, std::deque<Timestamp>, ByHash> transitions_;
  size_t total_ = 0;
};

}  // namespace tocsin
