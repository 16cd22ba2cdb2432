// Everything that was collected, as one page: what /metrics gives to an outside Prometheus.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/exposition/escaping.h"
#include "engine/exposition/format.h"

namespace tocsin {

struct ExpositionRequest {
  ExpositionFormat format = ExpositionFormat::kPrometheusText;
  EscapingScheme escaping = EscapingScheme::kAllowUtf8;
  // Collectors and scrape jobs, by their names; empty: all.
  std::vector<std::string> pools;
  // Of those, the one with this label `instance`; "": all.
  std::string instance;
};

// Thread safety: all methods may be called from any thread.
class ExpositionSource {
 public:
  virtual ~ExpositionSource() = default;
  // Changes with every collection: the same number, the same page.
  virtual uint64_t generation() const = 0;
  // Hands the page to `write` in pieces of some 64 KiB, so that nobody needs to hold all of it.
  // Families are sorted by name; a family's samples stand together; values are those of each
  // target's last collection, with all labels (job, instance, …) and without timestamps.
  // Collects what the page shows once more, between its slots, and waits for that, for so long at
  // most. A collection that runs already is waited for, and one that began less than a second ago
  // is fresh enough: several readers load a target no more than one. What collects at its next slot
  // sooner than it would be done is left alone.
  virtual void Refresh(const ExpositionRequest& request, Duration at_most) const = 0;
  virtual void Render(const ExpositionRequest& request,
                      const std::function<void(std::string_view)>& write) const = 0;
};

}  // namespace tocsin
