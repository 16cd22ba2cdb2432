#include "exporters/redis/redis_connection.h"

#include <array>
#include <utility>

#include "base/thread_annotations.h"
#include "exporters/peer_text.h"
#include "exporters/redis/resp_reader.h"

namespace tocsin {
namespace {

constexpr size_t kReadBytes = 16 << 10;
// What is sent before its answers are read: a server whose answers nobody takes stops reading.
constexpr size_t kCommandsAtOnce = 500;

class StreamConnection final : public RedisConnection {
 public:
  StreamConnection(std::unique_ptr<ByteStream> stream, const Clock& clock, std::string name)
      : stream_(std::move(stream)), clock_(clock), name_(std::move(name)) {}

  Result<std::vector<RedisReply>> Run(const std::vector<RedisCommand>& commands,
                                      SteadyTime deadline) override {
    std::vector<RedisReply> replies;
    for (size_t begin = 0; begin < commands.size(); begin += kCommandsAtOnce) {
      const size_t end = std::min(commands.size(), begin + kCommandsAtOnce);
      std::string text;
      for (size_t i = begin; i < end; ++i) text += RespCommand(commands[i]);
      RETURN_IF_ERROR(Send(text, deadline));
      while (replies.size() < end) {
        ASSIGN_OR_RETURN(RedisReply reply, Receive(deadline));
        replies.push_back(std::move(reply));
      }
    }
    return replies;
  }

  Result<std::optional<RedisReply>> ReadPushed(SteadyTime deadline) override {
    Result<RedisReply> reply = Receive(deadline);
    if (reply.ok()) return std::optional<RedisReply>(*std::move(reply));
    if (reply.error().code == ErrorCode::kTimeout) return std::optional<RedisReply>();
    return reply.error();
  }

  void Shutdown() override { stream_->Shutdown(); }

 private:
  Status Send(std::string_view text, SteadyTime deadline) {
    while (!text.empty()) {
      const Result<ByteStream::Progress> sent = stream_->Write(text);
      if (!sent.ok()) return Named(sent.error());
      text.remove_prefix(sent->bytes);
      if (sent->wants == ByteStream::Wants::kNothing) continue;
      const Status ready = WaitFor(stream_->fd(), sent->wants, clock_, deadline, {});
      if (!ready.ok()) return Named(ready.error());
    }
    return Ok();
  }

  Result<RedisReply> Receive(SteadyTime deadline) {
    std::array<char, kReadBytes> buffer;
    for (bool fed = false;;) {
      Result<std::optional<RedisReply>> reply = reader_.Next();
      if (!reply.ok()) return Garbled(reply.error());
      if (*reply) return **std::move(reply);
      // A server that never stops is not waited for, and still ends at the deadline.
      if (fed && clock_.Steady() >= deadline) return Named(TimedOut("timed out"));
      const Result<ByteStream::Progress> got = stream_->Read(buffer);
      if (!got.ok()) return Named(got.error());
      if (got->bytes > 0) {
        const Status taken = reader_.Feed(std::string_view(buffer.data(), got->bytes));
        if (!taken.ok()) return Garbled(taken.error());
        fed = true;
        continue;
      }
      const Status ready = WaitFor(stream_->fd(), got->wants, clock_, deadline, {});
      if (!ready.ok()) return Named(ready.error());
    }
  }

  Error Named(const Error& error) const { return Prefixed("redis " + name_ + ": ", error); }
  Error Garbled(const Error& error) const {
    return InvalidArgument("redis " + name_ +
                           ": the answer is not Redis' protocol: " + error.message);
  }

  const std::unique_ptr<ByteStream> stream_;
  const Clock& clock_;
  const std::string name_;
  RespReader reader_;
};

// A server that does not know AUTH repeats its arguments.
std::string WithoutSecret(std::string text, const Secret& secret) {
  constexpr std::string_view kInstead = "<secret>";
  const std::string& value = secret.Reveal();
  for (size_t at = 0; !value.empty() && (at = text.find(value, at)) != std::string::npos;) {
    text.replace(at, value.size(), kInstead);
    at += kInstead.size();
  }
  return text;
}

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
                            PeerMessage(WithoutSecret(replies[i].text, address.password)));
  }
  return Ok();
}

}  // namespace

Result<std::unique_ptr<RedisConnection>> ConnectToRedis(const RedisAddress& address,
                                                        const Clock& clock, SteadyTime deadline,
                                                        const CanceledCheck& canceled) {
  const auto named = [&address](const Error& error) {
    return Prefixed("redis " + address.Text() + ": ", error);
  };
  Result<std::unique_ptr<ByteStream>> stream = OpenSocket(address, clock, deadline, canceled);
  if (stream.ok() && address.tls) {
    stream = OpenTls(*std::move(stream), address, clock, deadline, canceled);
  }
  if (!stream.ok()) return named(stream.error());
  auto connection = std::make_unique<StreamConnection>(*std::move(stream), clock, address.Text());
  RETURN_IF_ERROR(LogIn(*connection, address, deadline));
  return std::unique_ptr<RedisConnection>(std::move(connection));
}

struct RedisClient::Shared {
  Mutex mutex;
  std::shared_ptr<RedisConnection> connection GUARDED_BY(mutex);
  bool canceled GUARDED_BY(mutex) = false;

  bool Canceled() {
    const MutexLock lock(mutex);
    return canceled;
  }
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
  const SteadyTime started = clock_.Steady();
  ASSIGN_OR_RETURN(
      std::unique_ptr<RedisConnection> made,
      ConnectToRedis(address_, clock_, deadline, [this] { return shared_->Canceled(); }));
  connect_time_ = std::chrono::duration_cast<Duration>(clock_.Steady() - started);
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
