// What the rules know of the Alertmanager: hand over the newest state of an alert, and learn what
// was delivered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "engine/model/label_set.h"

namespace tocsin {

// One alert as the Alertmanager sees it. Identity is the label set.
struct Notification {
  LabelSet labels;
  LabelSet annotations;
  Timestamp starts_at{};
  Timestamp ends_at{};  // in the future while the alert fires
  std::string generator_url;
};

// Thread safety: all methods may be called from any thread.
class Notifier {
 public:
  virtual ~Notifier() = default;
  // Never blocks. A newer state of an alert replaces the one that still waits to be sent; nothing
  // is forgotten before an Alertmanager has answered 2xx or a newer state came.
  virtual void Notify(std::vector<Notification> notifications) = 0;
};

}  // namespace tocsin
