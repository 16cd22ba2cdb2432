// Receives Celery's events from a Redis broker, all the time: pub/sub has no memory, so what is
// sent while nobody listens is lost.
//
//   every second: read what has come ── hand it on ── again in a second
//   broken or refused: connect anew after 1, 2, 4, … 30 s; one gap more
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"
#include "exporters/redis/redis_connection.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread.
class CeleryEventStream : public std::enable_shared_from_this<CeleryEventStream> {
 public:
  // All outlive the stream.
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& io;
  };
  struct State {
    bool connected = false;
    uint64_t gaps = 0;  // how often it broke after it had been connected
    std::string error;  // why it is not connected; without secrets
  };
  // Called from a task of `io`, one call at a time.
  using Handler = std::function<void(const std::string& payload)>;

  CeleryEventStream(const Dependencies& dependencies, RedisAddress address,
                    std::vector<std::string> patterns, Handler handler);
  void Start();
  // No call of the handler begins any more.
  void Stop();
  State state() const;

 private:
  void ScheduleAfter(Duration delay) EXCLUDES_LOCK(mutex_);
  void Run();
  Status Connect();
  // Whether there may be more.
  Result<bool> Drain(RedisConnection& connection);
  void HandOn(const RedisReply& reply);
  void Broke(const Error& error);

  const Dependencies deps_;
  const RedisAddress address_;
  const std::vector<std::string> patterns_;
  const Handler handler_;

  // Belong to the running task.
  int failures_ = 0;
  bool ever_connected_ = false;
  SteadyTime last_message_{};

  mutable Mutex mutex_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  TimerId timer_ GUARDED_BY(mutex_) = 0;
  std::shared_ptr<RedisConnection> connection_ GUARDED_BY(mutex_);
  State state_ GUARDED_BY(mutex_);
};

// What to PSUBSCRIBE to for the events of one database, or of all of them with `database` -1.
std::string CeleryEventPattern(const std::string& global_keyprefix, int database);

}  // namespace tocsin
