#include "exporters/postgres/postgres_connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <pqxx/pqxx>

#include "exporters/peer_text.h"
#include "exporters/postgres/socket_watchdog.h"
#include "exporters/service_url.h"

namespace tocsin {
namespace {

// How soon a connection attempt notices that it is not wanted any more.
constexpr Duration kLookEvery = std::chrono::milliseconds(50);

// libpq looks after a peer that is gone without a word.
constexpr std::string_view kParameters[][2] = {
    {"fallback_application_name", "tocsin"},
    {"keepalives_idle", "15"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "15000"},
    {"client_encoding", "UTF8"},
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

std::string PercentEncoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string ConnectionText(const PostgresConfig& config, const std::string& database) {
  if (!config.url.empty()) {
    // libpq lets the last of two equal parameters win, so a user's own parameters, but for the
    // database, are kept by standing behind ours.
    std::string url = config.url.Reveal();
    const size_t query = std::min(url.find('?'), url.size());
    const std::string own(url.substr(std::min(query + 1, url.size())));
    url.resize(query);
    char separator = '?';
    for (const auto& [key, value] : kParameters) {
      url.append(1, separator).append(key).append("=").append(value);
      separator = '&';
    }
    if (!own.empty()) url.append("&").append(own);
    if (!database.empty()) url.append("&dbname=").append(PercentEncoded(database));
    return url;
  }
  std::string text;
  const auto add = [&text](std::string_view key, std::string_view value) {
    if (!value.empty()) text.append(" ").append(key).append("=").append(Quoted(value));
  };
  for (const auto& [key, value] : kParameters) add(key, value);
  add("host", config.host);
  add("port", std::to_string(config.port));
  add("user", config.user);
  add("password", config.password.Reveal());
  add("dbname", database.empty() ? config.database : database);
  add("sslmode", config.ssl_mode);
  return text;
}

// libpq's messages span lines, and may repeat what it was given. A hostile server's may be long.
std::string CleanMessage(std::string text, const PostgresConfig& config) {
  constexpr std::string_view kInstead = "<secret>";
  std::vector<std::string> secrets = {config.password.Reveal(), config.url.Reveal()};
  if (const Result<ServiceUrl> url = ParseServiceUrl(config.url.Reveal()); url.ok()) {
    secrets.push_back(url->password);
  }
  for (const std::string& secret : secrets) {
    for (size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;) {
      text.replace(at, secret.size(), kInstead);
      at += kInstead.size();
    }
  }
  // Behind the message, Postgres shows the statement.
  text.resize(std::min(text.find("\nLINE "), text.size()));
  return PeerMessage(text);
}

// Connects without blocking, so that the attempt ends at a deadline of milliseconds and when it is
// cancelled; libpq's own connect_timeout has whole seconds, two at least.
class BoundedConnect final : public pqxx::connectionpolicy {
 public:
  BoundedConnect(const std::string& options, const Clock& clock, SteadyTime deadline,
                 WatchedSocket& socket)
      : connectionpolicy(options), clock_(clock), deadline_(deadline), socket_(socket) {}

  handle do_startconnect(handle orig) override {
    if (orig != nullptr) return orig;
    handle made = PQconnectStart(options().c_str());
    if (made == nullptr) throw std::bad_alloc();
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    while (wants != PGRES_POLLING_OK) {
      if (PQstatus(made) == CONNECTION_BAD || wants == PGRES_POLLING_FAILED) {
        Fail(made, PQerrorMessage(made));
      }
      if (!Wait(PQsocket(made), wants)) Fail(made, "timed out while connecting");
      wants = PQconnectPoll(made);
    }
    socket_.Set(PQsocket(made));
    return made;
  }
  handle do_completeconnect(handle orig) override { return orig; }
  handle do_dropconnect(handle orig) noexcept override { return orig; }

 private:
  [[noreturn]] static void Fail(handle made, const std::string& message) {
    const std::string text = message;
    PQfinish(made);
    throw pqxx::broken_connection(text);
  }

  bool Wait(int fd, PostgresPollingStatusType wants) const {
    pollfd what = {.fd = fd, .events = 0, .revents = 0};
    what.events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    while (socket_.end() != WatchedSocket::End::kCanceled) {
      const auto left = std::chrono::duration_cast<Duration>(deadline_ - clock_.Steady());
      if (left <= Duration::zero()) return false;
      const auto wait = std::min(left, kLookEvery).count();
      if (::poll(&what, 1, static_cast<int>(wait)) != 0) return true;
    }
    return false;
  }

  const Clock& clock_;
  const SteadyTime deadline_;
  WatchedSocket& socket_;
};

class BoundedSession final : public pqxx::connection_base {
 public:
  BoundedSession(const std::string& options, const Clock& clock, SteadyTime deadline,
                 WatchedSocket& socket)
      : connection_base(policy_), policy_(options, clock, deadline, socket), socket_(socket) {
    init();
  }
  ~BoundedSession() {
    socket_.Set(-1);
    close();
  }
  BoundedSession(const BoundedSession&) = delete;
  BoundedSession& operator=(const BoundedSession&) = delete;

 private:
  BoundedConnect policy_;
  WatchedSocket& socket_;
};

// What the session is to be like; older servers do not know all of it.
struct SessionSetting {
  int since;
  std::string_view sql;
};
constexpr SessionSetting kSettings[] = {
    {0, "SET default_transaction_read_only = on"},
    {0, "SET lock_timeout = 100"},
    {0, "SET idle_in_transaction_session_timeout = '60s'"},
    {0, "SET search_path = pg_catalog"},
    {0, "SET max_parallel_workers_per_gather = 0"},
    {0, "SET extra_float_digits = 1"},
    {110'000, "SET jit = off"},
    {140'000, "SET client_connection_check_interval = '1s'"},
    {140'000, "SET idle_session_timeout = 0"},
    {150'000, "SET stats_fetch_consistency = none"},
};

// Class 57P: the server is shutting down or has lost the session.
constexpr std::string_view kOperatorIntervention = "57P";

}  // namespace

struct PostgresConnection::State {
  State(const PostgresConfig& the_config, std::string the_database, const Clock& the_clock,
        Scheduler& the_scheduler)
      : config(the_config),
        database(std::move(the_database)),
        name("postgres " + PostgresInstance(the_config) + (database.empty() ? "" : "/" + database)),
        clock(the_clock),
        watchdog(the_scheduler, the_clock, socket) {}

  const PostgresConfig config;
  const std::string database;
  const std::string name;
  const Clock& clock;
  WatchedSocket socket;
  std::unique_ptr<BoundedSession> connection;
  bool fresh = false;
  SteadyTime deadline;
  SteadyTime last_start;
  SocketWatchdog watchdog;

  void Drop() { connection.reset(); }

  Status Connect() {
    connection.reset();
    socket.Reset();
    fresh = true;
    try {
      connection = std::make_unique<BoundedSession>(ConnectionText(config, database), clock,
                                                    deadline, socket);
    } catch (const std::exception& failure) {
      return Unavailable(name + ": " + CleanMessage(failure.what(), config));
    }
    watchdog.Start(deadline);
    std::string settings;
    for (const SessionSetting& setting : kSettings) {
      if (connection->server_version() < setting.since) continue;
      settings.append(settings.empty() ? "" : "; ").append(setting.sql);
    }
    return Limit(settings + "; ");
  }

  // A statement may take a third of the time: one that is slow must not cost the others' figures.
  Status Limit(const std::string& settings) {
    const auto left = std::chrono::duration_cast<Duration>(deadline - clock.Steady());
    const Duration longest = std::max(left / 3, Duration(1));
    last_start = deadline - longest;
    const Result<PostgresRows> set =
        Run(settings + "SET statement_timeout = " + std::to_string(longest.count()));
    return set.ok() ? Ok() : Status(set.error());
  }

  Result<PostgresRows> Run(const std::string& sql) {
    try {
      pqxx::nontransaction work(*connection);
      return Read(work.exec(sql));
    } catch (const pqxx::insufficient_privilege& failure) {
      return PermissionDenied(CleanMessage(failure.what(), config));
    } catch (const pqxx::sql_error& failure) {
      const std::string message = CleanMessage(failure.what(), config);
      if (failure.sqlstate().starts_with(kOperatorIntervention)) return Lost(message);
      return ExecutionError(message);
    } catch (const std::exception& failure) {
      return Lost(CleanMessage(failure.what(), config));
    }
  }

  Error Lost(const std::string& message) {
    const WatchedSocket::End end = socket.end();
    Drop();
    switch (end) {
      case WatchedSocket::End::kTimedOut:
        return TimedOut(name + ": timed out");
      case WatchedSocket::End::kTooMuch:
        return Unavailable(name + ": the server sent more than 32 MiB; cut off");
      case WatchedSocket::End::kCanceled:
        return Canceled(name + ": canceled");
      case WatchedSocket::End::kNone:
        return Unavailable(name + ": " + message);
    }
    return InternalError(name);
  }

  static PostgresRows Read(const pqxx::result& result) {
    std::vector<std::string> columns;
    for (pqxx::row::size_type i = 0; i < result.columns(); ++i) {
      columns.emplace_back(result.column_name(i));
    }
    PostgresRows rows(std::move(columns));
    for (const pqxx::row& row : result) {
      for (const pqxx::field& field : row) {
        if (field.is_null()) {
          rows.Add(std::nullopt);
        } else {
          rows.Add(std::string_view(field.c_str(), field.size()));
        }
      }
    }
    return rows;
  }
};

PostgresConnection::PostgresConnection(const PostgresConfig& config, const std::string& database,
                                       const Clock& clock, Scheduler& scheduler)
    : state_(std::make_unique<State>(config, database, clock, scheduler)) {}

PostgresConnection::~PostgresConnection() {
  End();
  state_->Drop();
}

Status PostgresConnection::Begin(SteadyTime deadline) {
  state_->deadline = deadline;
  state_->fresh = false;
  if (state_->connection == nullptr) return state_->Connect();
  state_->watchdog.Start(deadline);
  Status limited = state_->Limit("");
  // The server may have been restarted since the last time: that alone is no failure.
  if (!limited.ok() && limited.error().code == ErrorCode::kUnavailable) return state_->Connect();
  return limited;
}

bool PostgresConnection::fresh() const { return state_->fresh; }

SteadyTime PostgresConnection::last_start() const { return state_->last_start; }

Result<PostgresRows> PostgresConnection::Query(const std::string& sql) {
  if (state_->connection == nullptr) return Unavailable(state_->name + ": the session is over");
  return state_->Run(sql);
}

void PostgresConnection::End() { state_->watchdog.Stop(); }

void PostgresConnection::Cancel() { state_->socket.ShutDown(WatchedSocket::End::kCanceled); }

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
