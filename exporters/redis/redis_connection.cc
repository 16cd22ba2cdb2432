#include "exporters/redis/redis_connection.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/thread_annotations.h"
#include "exporters/service_url.h"

namespace tocsin {
namespace {

// Replies are figures and names; what is larger is an attack or a mistake.
constexpr size_t kMaxReplyElements = 1'000'000;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using ReplyHolder = std::unique_ptr<redisReply, FreeReply>;

timeval Remaining(const Clock& clock, SteadyTime deadline) {
  using std::chrono::microseconds;
  const auto left = std::chrono::duration_cast<microseconds>(deadline - clock.Steady()).count();
  // 0 would mean to wait for ever.
  const auto bounded = std::max<int64_t>(left, 1000);
  return {.tv_sec = bounded / 1'000'000, .tv_usec = bounded % 1'000'000};
}

RedisReply Convert(const redisReply& reply) {
  RedisReply out;
  switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      out.kind = RedisReply::Kind::kText;
      out.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ERROR:
      out.kind = RedisReply::Kind::kError;
      out.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_INTEGER:
      out.kind = RedisReply::Kind::kInteger;
      out.integer = reply.integer;
      break;
    case REDIS_REPLY_ARRAY:
      out.kind = RedisReply::Kind::kArray;
      for (size_t i = 0; i < std::min(reply.elements, kMaxReplyElements); ++i) {
        out.elements.push_back(Convert(*reply.element[i]));
      }
      break;
    default:
      break;
  }
  return out;
}

class HiredisConnection final : public RedisConnection {
 public:
  HiredisConnection(std::unique_ptr<redisContext, FreeContext> context, const Clock& clock,
                    std::string name)
      : context_(std::move(context)), clock_(clock), name_(std::move(name)) {}

  Result<std::vector<RedisReply>> Run(const std::vector<RedisCommand>& commands,
                                      SteadyTime deadline) override {
    for (const RedisCommand& command : commands) Append(command);
    std::vector<RedisReply> replies;
    for (size_t i = 0; i < commands.size(); ++i) {
      if (clock_.Steady() >= deadline) return TimedOut("redis " + name_ + ": timed out");
      redisSetTimeout(context_.get(), Remaining(clock_, deadline));
      void* raw = nullptr;
      if (redisGetReply(context_.get(), &raw) != REDIS_OK) return Broken();
      const ReplyHolder reply(static_cast<redisReply*>(raw));
      replies.push_back(Convert(*reply));
    }
    return replies;
  }

  Result<std::optional<RedisReply>> ReadPushed(SteadyTime deadline) override {
    for (;;) {
      void* raw = nullptr;
      if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) return Broken();
      if (raw != nullptr) {
        const ReplyHolder reply(static_cast<redisReply*>(raw));
        return std::optional<RedisReply>(Convert(*reply));
      }
      // hiredis gives a connection up for good when a read times out, so the waiting is done here.
      const timeval left = Remaining(clock_, deadline);
      pollfd readable = {.fd = context_->fd, .events = POLLIN, .revents = 0};
      const int left_ms = static_cast<int>(left.tv_sec * 1000 + left.tv_usec / 1000);
      const int ready = ::poll(&readable, 1, clock_.Steady() >= deadline ? 0 : left_ms);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return std::optional<RedisReply>();
      if (redisBufferRead(context_.get()) != REDIS_OK) return Broken();
    }
  }

  void Shutdown() override { ::shutdown(context_->fd, SHUT_RDWR); }

 private:
  void Append(const RedisCommand& command) {
    std::vector<const char*> parts;
    std::vector<size_t> lengths;
    for (const std::string& part : command) {
      parts.push_back(part.data());
      lengths.push_back(part.size());
    }
    redisAppendCommandArgv(context_.get(), static_cast<int>(parts.size()), parts.data(),
                           lengths.data());
  }

  Error Broken() const {
    if (context_->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return TimedOut("redis " + name_ + ": timed out");
    }
    return Unavailable("redis " + name_ + ": " + context_->errstr);
  }

  const std::unique_ptr<redisContext, FreeContext> context_;
  const Clock& clock_;
  const std::string name_;
};

// AUTH and SELECT, as far as they are asked for.
Status LogIn(RedisConnection& connection, const RedisAddress& address, SteadyTime deadline) {
  std::vector<RedisCommand> commands;
  if (!address.password.empty()) {
    RedisCommand auth = {"AUTH"};
    if (!address.user.empty()) auth.push_back(address.user);
    auth.push_back(address.password.Reveal());
    commands.push_back(std::move(auth));
  }
  if (address.database != 0) commands.push_back({"SELECT", std::to_string(address.database)});
  if (commands.empty()) return Ok();
  ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, connection.Run(commands, deadline));
  for (size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].kind != RedisReply::Kind::kError) continue;
    return PermissionDenied("redis " + address.Text() + ": " + commands[i][0] + ": " +
                            replies[i].text);
  }
  return Ok();
}

}  // namespace

std::string RedisAddress::Text() const {
  if (!unix_path.empty()) return unix_path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<RedisAddress> ParseRedisUrl(const Secret& url) {
  ASSIGN_OR_RETURN(ServiceUrl parts, ParseServiceUrl(url.Reveal()));
  RedisAddress address;
  address.user = std::move(parts.user);
  address.password = Secret(std::move(parts.password));
  if (parts.scheme == "unix" || parts.scheme == "redis+socket") {
    address.unix_path = "/" + parts.path;
    return address;
  }
  if (parts.scheme == "rediss") {
    return InvalidArgument("rediss:// (TLS) is not supported; use redis:// or a unix socket");
  }
  if (parts.scheme != "redis") {
    return InvalidArgument("a Redis URL begins with redis:// or unix://, not " + parts.scheme +
                           "://");
  }
  if (!parts.host.empty()) address.host = parts.host;
  if (parts.port != 0) address.port = parts.port;
  if (parts.path.empty()) return address;
  const char* end = parts.path.data() + parts.path.size();
  const auto [last, error] = std::from_chars(parts.path.data(), end, address.database);
  if (error != std::errc() || last != end || address.database < 0) {
    return InvalidArgument("the path of a Redis URL is the number of its database");
  }
  return address;
}

Result<std::unique_ptr<RedisConnection>> ConnectToRedis(const RedisAddress& address,
                                                        const Clock& clock, SteadyTime deadline) {
  const timeval timeout = Remaining(clock, deadline);
  std::unique_ptr<redisContext, FreeContext> context(
      address.unix_path.empty()
          ? redisConnectWithTimeout(address.host.c_str(), address.port, timeout)
          : redisConnectUnixWithTimeout(address.unix_path.c_str(), timeout));
  if (context == nullptr) return Unavailable("redis " + address.Text() + ": out of memory");
  if (context->err != 0) {
    return Unavailable("redis " + address.Text() + ": " + std::string(context->errstr));
  }
  auto connection = std::make_unique<HiredisConnection>(std::move(context), clock, address.Text());
  RETURN_IF_ERROR(LogIn(*connection, address, deadline));
  return std::unique_ptr<RedisConnection>(std::move(connection));
}

struct RedisClient::Shared {
  Mutex mutex;
  std::shared_ptr<RedisConnection> connection GUARDED_BY(mutex);
  bool canceled GUARDED_BY(mutex) = false;
};

RedisClient::RedisClient(RedisAddress address, const Clock& clock)
    : address_(std::move(address)), clock_(clock), shared_(std::make_unique<Shared>()) {}

RedisClient::~RedisClient() = default;

Result<std::vector<RedisReply>> RedisClient::Run(const std::vector<RedisCommand>& commands,
                                                 SteadyTime deadline) {
  ASSIGN_OR_RETURN(const Opened first, Open(deadline));
  Result<std::vector<RedisReply>> replies = first.connection->Run(commands, deadline);
  if (replies.ok()) return replies;
  Forget();
  // The server may have been restarted since the last time: that alone is no failure.
  if (first.fresh || replies.error().code != ErrorCode::kUnavailable) return replies;
  ASSIGN_OR_RETURN(const Opened second, Open(deadline));
  replies = second.connection->Run(commands, deadline);
  if (!replies.ok()) Forget();
  return replies;
}

Result<RedisClient::Opened> RedisClient::Open(SteadyTime deadline) {
  const auto canceled = [this] { return Canceled("redis " + address_.Text() + ": canceled"); };
  {
    const MutexLock lock(shared_->mutex);
    if (shared_->canceled) return canceled();
    if (shared_->connection != nullptr) return Opened{shared_->connection, false};
  }
  ASSIGN_OR_RETURN(std::unique_ptr<RedisConnection> made,
                   ConnectToRedis(address_, clock_, deadline));
  const MutexLock lock(shared_->mutex);
  if (shared_->canceled) return canceled();
  shared_->connection = std::move(made);
  return Opened{shared_->connection, true};
}

void RedisClient::Forget() {
  const MutexLock lock(shared_->mutex);
  shared_->connection.reset();
}

void RedisClient::Cancel() {
  const MutexLock lock(shared_->mutex);
  shared_->canceled = true;
  if (shared_->connection != nullptr) shared_->connection->Shutdown();
}

}  // namespace tocsin
