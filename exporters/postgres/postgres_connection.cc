#include "exporters/postgres/postgres_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <pqxx/pqxx>

#include "base/thread_annotations.h"
#include "exporters/service_url.h"

namespace tocsin {
namespace {

// libpq knows whole seconds, two at least.
constexpr int64_t kMinConnectSeconds = 2;

// Runs a task where it is posted: shutting a socket down takes no time.
class InlineExecutor final : public Executor {
 public:
  void Post(Task task) override { task(); }
};

// A value in libpq's keyword form.
std::string Quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string ConnectionText(const PostgresConfig& config, int64_t connect_seconds) {
  const std::string timeout = std::to_string(connect_seconds);
  if (!config.url.empty()) {
    const std::string& url = config.url.Reveal();
    const char separator = url.find('?') == std::string::npos ? '?' : '&';
    // libpq lets the last of two equal parameters win, so a user's own application_name is kept
    // by standing behind ours; a timeout is ours to say.
    return url + separator + "fallback_application_name=tocsin&connect_timeout=" + timeout;
  }
  std::string text = "fallback_application_name=tocsin connect_timeout=" + timeout;
  const auto add = [&text](std::string_view key, std::string_view value) {
    if (!value.empty()) text.append(" ").append(key).append("=").append(Quoted(value));
  };
  add("host", config.host);
  add("port", std::to_string(config.port));
  add("user", config.user);
  add("password", config.password.Reveal());
  add("dbname", config.database);
  add("sslmode", config.ssl_mode);
  return text;
}

// libpq's messages span lines, and may repeat what it was given.
std::string CleanMessage(std::string text, const PostgresConfig& config) {
  std::vector<std::string> secrets = {config.password.Reveal(), config.url.Reveal()};
  if (const Result<ServiceUrl> url = ParseServiceUrl(config.url.Reveal()); url.ok()) {
    secrets.push_back(url->password);
  }
  for (const std::string& secret : secrets) {
    for (size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;) {
      text.replace(at, secret.size(), "<secret>");
      at += std::string_view("<secret>").size();
    }
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

struct PostgresConnection::State {
  State(const PostgresConfig& the_config, const Clock& the_clock, Scheduler& the_scheduler)
      : config(the_config),
        name("postgres " + PostgresAddress(the_config)),
        clock(the_clock),
        scheduler(the_scheduler) {}

  const PostgresConfig config;
  const std::string name;
  const Clock& clock;
  Scheduler& scheduler;
  InlineExecutor inline_executor;
  std::unique_ptr<pqxx::connection> connection;
  SteadyTime deadline;
  std::optional<TimerId> watchdog;

  // What the watchdog and Cancel may touch; outlives the state while a timer is under way.
  struct Socket {
    Mutex mutex;
    int fd GUARDED_BY(mutex) = -1;
    bool timed_out GUARDED_BY(mutex) = false;
    bool canceled GUARDED_BY(mutex) = false;

    void ShutDown(bool by_timeout) {
      const MutexLock lock(mutex);
      if (by_timeout) timed_out = true;
      if (!by_timeout) canceled = true;
      if (fd >= 0) ::shutdown(fd, SHUT_RDWR);
    }
  };
  std::shared_ptr<Socket> socket = std::make_shared<Socket>();

  bool TimedOutNow() {
    const MutexLock lock(socket->mutex);
    return socket->timed_out;
  }

  void Drop() {
    {
      const MutexLock lock(socket->mutex);
      socket->fd = -1;
    }
    connection.reset();
  }

  Status Connect() {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(deadline - clock.Steady());
    const std::string text =
        ConnectionText(config, std::max<int64_t>(left.count(), kMinConnectSeconds));
    try {
      connection = std::make_unique<pqxx::connection>(text);
    } catch (const std::exception& failure) {
      connection.reset();
      return Unavailable(name + ": " + CleanMessage(failure.what(), config));
    }
    const MutexLock lock(socket->mutex);
    socket->fd = connection->sock();
    if (socket->canceled) ::shutdown(socket->fd, SHUT_RDWR);
    return Ok();
  }

  void Watch() {
    {
      const MutexLock lock(socket->mutex);
      socket->timed_out = false;
    }
    const auto left = std::chrono::duration_cast<Duration>(deadline - clock.Steady());
    watchdog = scheduler.After(std::max(left, Duration(1)), inline_executor,
                               [socket = socket] { socket->ShutDown(true); });
  }

  // Statements wait neither long for locks nor longer than the collection may take.
  Status Limit() {
    const auto left = std::chrono::duration_cast<Duration>(deadline - clock.Steady()).count();
    const std::string ms = std::to_string(std::max<int64_t>(left, 1));
    const Result<PostgresRows> set = Run("SET statement_timeout = " + ms +
                                         "; SET lock_timeout = 100; "
                                         "SET default_transaction_read_only = on");
    return set.ok() ? Ok() : Status(set.error());
  }

  Result<PostgresRows> Run(const std::string& sql) {
    try {
      pqxx::nontransaction work(*connection);
      const pqxx::result result = work.exec(sql);
      return Read(result);
    } catch (const pqxx::sql_error& failure) {
      return ExecutionError(CleanMessage(failure.what(), config));
    } catch (const std::exception& failure) {
      Drop();
      if (TimedOutNow()) return TimedOut(name + ": timed out");
      return Unavailable(name + ": " + CleanMessage(failure.what(), config));
    }
  }

  static PostgresRows Read(const pqxx::result& result) {
    PostgresRows out;
    for (pqxx::row::size_type i = 0; i < result.columns(); ++i) {
      out.columns.emplace_back(result.column_name(i));
    }
    for (const pqxx::row& row : result) {
      auto& values = out.rows.emplace_back();
      for (const pqxx::field& field : row) {
        if (field.is_null()) {
          values.emplace_back();
        } else {
          values.emplace_back(std::string(field.c_str(), field.size()));
        }
      }
    }
    return out;
  }
};

PostgresConnection::PostgresConnection(const PostgresConfig& config, const Clock& clock,
                                       Scheduler& scheduler)
    : state_(std::make_unique<State>(config, clock, scheduler)) {}

PostgresConnection::~PostgresConnection() {
  End();
  state_->Drop();
}

Status PostgresConnection::Begin(SteadyTime deadline) {
  state_->deadline = deadline;
  const bool kept = state_->connection != nullptr;
  if (!kept) RETURN_IF_ERROR(state_->Connect());
  state_->Watch();
  Status limited = state_->Limit();
  // The server may have been restarted since the last time: that alone is no failure.
  if (kept && !limited.ok() && limited.error().code == ErrorCode::kUnavailable) {
    RETURN_IF_ERROR(state_->Connect());
    limited = state_->Limit();
  }
  return limited;
}

Result<PostgresRows> PostgresConnection::Query(const std::string& sql) {
  if (state_->connection == nullptr) return Unavailable(state_->name + ": the session is over");
  return state_->Run(sql);
}

void PostgresConnection::End() {
  if (state_->watchdog) state_->scheduler.Cancel(*state_->watchdog);
  state_->watchdog.reset();
}

void PostgresConnection::Cancel() { state_->socket->ShutDown(false); }

std::string PostgresInstance(const PostgresConfig& config) {
  std::string host = config.host;
  int port = config.port;
  if (!config.url.empty()) {
    const Result<ServiceUrl> url = ParseServiceUrl(config.url.Reveal());
    if (!url.ok()) return "invalid";
    host = url->host;
    port = url->port == 0 ? 5432 : url->port;
  }
  if (host.empty() || host.starts_with('/')) host = "localhost";
  return host + ":" + std::to_string(port);
}

std::string PostgresAddress(const PostgresConfig& config) {
  std::string database = config.database;
  if (!config.url.empty()) {
    const Result<ServiceUrl> url = ParseServiceUrl(config.url.Reveal());
    if (url.ok()) database = url->path;
  }
  return PostgresInstance(config) + (database.empty() ? "" : "/" + database);
}

}  // namespace tocsin
