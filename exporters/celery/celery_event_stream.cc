#include "exporters/celery/celery_event_stream.h"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

constexpr Duration kPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::seconds(30);
constexpr Duration kConnectTimeout = std::chrono::seconds(3);
// A subscriber that hears nothing cannot tell silence from a dead connection.
constexpr Duration kSilence = std::chrono::minutes(1);
// In one go, so that a flood leaves the executor's thread to others now and then.
constexpr Duration kLongestRun = std::chrono::milliseconds(200);
// For the rest of a message of which a part has come.
constexpr Duration kPatience = std::chrono::milliseconds(5);

Duration Backoff(int failures) {
  return std::min<Duration>(kPause * (1 << std::min(failures - 1, 5)), kLongestPause);
}

}  // namespace

CeleryEventStream::CeleryEventStream(const Dependencies& dependencies, RedisAddress address,
                                     std::vector<std::string> patterns, Handler handler)
    : deps_(dependencies),
      address_(std::move(address)),
      patterns_(std::move(patterns)),
      handler_(std::move(handler)) {}

void CeleryEventStream::Start() { ScheduleAfter(Duration::zero()); }

void CeleryEventStream::Stop() {
  std::shared_ptr<RedisConnection> connection;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    deps_.scheduler.Cancel(timer_);
    connection = std::exchange(connection_, nullptr);
  }
  if (connection != nullptr) connection->Shutdown();
}

CeleryEventStream::State CeleryEventStream::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

void CeleryEventStream::ScheduleAfter(Duration delay) {
  const MutexLock lock(mutex_);
  if (stopped_) return;
  timer_ = deps_.scheduler.After(delay, deps_.io, [weak = weak_from_this()] {
    if (const std::shared_ptr<CeleryEventStream> self = weak.lock()) self->Run();
  });
}

void CeleryEventStream::Run() {
  std::shared_ptr<RedisConnection> connection;
  {
    const MutexLock lock(mutex_);
    if (stopped_) return;
    connection = connection_;
  }
  const bool silent = deps_.clock.Steady() - last_message_ > kSilence;
  if (connection == nullptr || silent) {
    if (const Status connected = Connect(); !connected.ok()) {
      Broke(connected.error());
      return ScheduleAfter(Backoff(failures_));
    }
    return ScheduleAfter(Duration::zero());
  }
  const Result<bool> more = Drain(*connection);
  if (!more.ok()) {
    Broke(more.error());
    return ScheduleAfter(Backoff(failures_));
  }
  failures_ = 0;
  ScheduleAfter(*more ? Duration::zero() : kPause);
}

Status CeleryEventStream::Connect() {
  const SteadyTime deadline = deps_.clock.Steady() + kConnectTimeout;
  ASSIGN_OR_RETURN(std::shared_ptr<RedisConnection> made,
                   ConnectToRedis(address_, deps_.clock, deadline));
  std::vector<RedisCommand> commands;
  for (const std::string& pattern : patterns_) commands.push_back({"PSUBSCRIBE", pattern});
  ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, made->Run(commands, deadline));
  for (const RedisReply& reply : replies) {
    if (reply.kind == RedisReply::Kind::kError) {
      return PermissionDenied("PSUBSCRIBE: " + reply.text);
    }
    HandOn(reply);  // a message may have come between two answers
  }
  last_message_ = deps_.clock.Steady();
  ever_connected_ = true;
  const MutexLock lock(mutex_);
  if (stopped_) return Canceled("stopped");
  connection_ = std::move(made);
  state_.connected = true;
  state_.error.clear();
  return Ok();
}

Result<bool> CeleryEventStream::Drain(RedisConnection& connection) {
  const SteadyTime until = deps_.clock.Steady() + kLongestRun;
  while (deps_.clock.Steady() < until) {
    ASSIGN_OR_RETURN(const std::optional<RedisReply> reply,
                     connection.ReadPushed(deps_.clock.Steady() + kPatience));
    if (!reply) return false;
    last_message_ = deps_.clock.Steady();
    HandOn(*reply);
  }
  return true;
}

// ["pmessage", pattern, channel, payload]
void CeleryEventStream::HandOn(const RedisReply& reply) {
  if (reply.elements.size() != 4 || reply.elements[0].text != "pmessage") return;
  handler_(reply.elements[3].text);
}

void CeleryEventStream::Broke(const Error& error) {
  ++failures_;
  const MutexLock lock(mutex_);
  if (stopped_) return;
  if (std::exchange(state_.connected, false)) ++state_.gaps;
  connection_.reset();
  state_.error = error.message;
}

std::string CeleryEventPattern(const std::string& global_keyprefix, int database) {
  const std::string number = database < 0 ? "*" : std::to_string(database);
  return global_keyprefix + "/" + number + ".celeryev/*";
}

}  // namespace tocsin
