// One connection to a Redis, with a deadline on every round trip.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "exporters/redis/byte_stream.h"
#include "exporters/redis/redis_address.h"
#include "exporters/redis/redis_reply.h"

namespace tocsin {

using RedisCommand = std::vector<std::string>;

// Not thread-safe, but for Shutdown.
class RedisConnection {
 public:
  virtual ~RedisConnection() = default;
  // The commands in one go; a reply for each, kError where the server refused it. An error means
  // that the connection is of no use any more.
  virtual Result<std::vector<RedisReply>> Run(const std::vector<RedisCommand>& commands,
                                              SteadyTime deadline) = 0;
  // After (P)SUBSCRIBE: the next message that the server sends by itself; nothing when none has
  // come by the deadline. An error means that the connection is of no use any more.
  virtual Result<std::optional<RedisReply>> ReadPushed(SteadyTime deadline) = 0;
  // Makes a running Run fail soon. Any thread.
  virtual void Shutdown() = 0;
};

// Connects, authenticates and selects the database. Errors hold no secrets.
Result<std::unique_ptr<RedisConnection>> ConnectToRedis(const RedisAddress& address,
                                                        const Clock& clock, SteadyTime deadline,
                                                        const CanceledCheck& canceled = {});

// Keeps a connection over collections and makes a new one when it broke.
//
// Not thread-safe, but for Cancel.
class RedisClient {
 public:
  RedisClient(RedisAddress address, const Clock& clock);
  ~RedisClient();
  Result<std::vector<RedisReply>> Run(const std::vector<RedisCommand>& commands,
                                      SteadyTime deadline);
  void Cancel();
  // How long the last connection attempt took.
  Duration connect_time() const { return connect_time_; }
  const RedisAddress& address() const { return address_; }

 private:
  struct Shared;
  struct Opened {
    std::shared_ptr<RedisConnection> connection;
    bool fresh;
  };
  Result<Opened> Open(SteadyTime deadline);
  void Forget();

  const RedisAddress address_;
  const Clock& clock_;
  Duration connect_time_{};
  const std::unique_ptr<Shared> shared_;
};

}  // namespace tocsin
