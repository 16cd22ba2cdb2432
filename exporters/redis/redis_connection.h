// One connection to a Redis, with a deadline on every round trip.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/secret.h"

namespace tocsin {

struct RedisAddress {
  std::string host = "localhost";
  int port = 6379;
  std::string unix_path;  // instead of host and port
  std::string user;
  Secret password;
  int database = 0;

  // "localhost:6379", "/run/redis.sock"
  std::string Text() const;
};

// redis://[user:password@]host:port[/db], unix:///path, redis+socket:///path. Errors hold no
// secrets.
Result<RedisAddress> ParseRedisUrl(const Secret& url);

struct RedisReply {
  enum class Kind { kText, kInteger, kNil, kArray, kError };
  Kind kind = Kind::kNil;
  std::string text;
  long long integer = 0;
  std::vector<RedisReply> elements;
};

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

// Connects, authenticates and selects the database.
Result<std::unique_ptr<RedisConnection>> ConnectToRedis(const RedisAddress& address,
                                                        const Clock& clock, SteadyTime deadline);

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
  const std::unique_ptr<Shared> shared_;
};

}  // namespace tocsin
