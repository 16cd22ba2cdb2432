// Asks one source again and again and remembers what it said.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "discovery/discovery.h"

namespace tocsin {

// Lives as a shared_ptr, which its tasks hold.
//
// Thread safety: all methods may be called from any thread; Refresh only before Start.
class TargetWatch : public std::enable_shared_from_this<TargetWatch> {
 public:
  TargetWatch(ScheduledSource source, std::string section, std::shared_ptr<Counter> failures,
              const Discovery::Dependencies& dependencies);

  // Asks on the calling thread. Returns whether the targets are others than before.
  bool Refresh();
  // Asks on `io`, the first time after `delay`, and goes on until Stop.
  void Start(Duration delay);
  Duration pause() const { return source_.pause; }

  std::vector<StaticTargets> Targets() const;

  void Stop();
  // Waits for a question that is under way. After Stop.
  void Join();

 private:
  using Parts = std::map<std::string, std::vector<StaticTargets>>;

  void RefreshAndGoOn();
  void Report(const FoundPart& part);

  ScheduledSource source_;
  const std::string section_;
  const std::shared_ptr<Counter> failures_;
  const Discovery::Dependencies dependencies_;
  std::map<std::string, std::string> reported_;  // errors by part, used while asking

  mutable Mutex mutex_;
  std::condition_variable_any idle_;
  Parts parts_ GUARDED_BY(mutex_);
  std::optional<TimerId> timer_ GUARDED_BY(mutex_);
  bool asking_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin
