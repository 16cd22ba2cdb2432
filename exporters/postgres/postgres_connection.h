// One session with a Postgres, with a deadline on every statement.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "config/config.h"
#include "exporters/postgres/postgres_rows.h"

namespace tocsin {

// The session is kept over collections and made anew when it broke. It only reads, waits for no
// lock longer than 100 ms, and its statements end before the deadline: the server is told so by
// statement_timeout, and when it does not listen, or sends more than anybody can want to know, the
// socket is shut down. Servers from 14 on notice that within a second (by
// client_connection_check_interval), so that a session that was given up does not stay behind.
//
// Not thread-safe, but for Cancel.
class PostgresConnection {
 public:
  // `database` replaces the one that the configuration names; "" leaves it.
  PostgresConnection(const PostgresConfig& config, const std::string& database, const Clock& clock,
                     Scheduler& scheduler);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Connects if there is no session. Everything until the next Begin has to be done by then.
  // Errors hold no secrets.
  Status Begin(SteadyTime deadline);
  // Whether the last Begin made a new session: the server may be another one than before.
  bool fresh() const;
  // When the last statement should begin, so that it ends before the deadline: each may take a
  // third of the time.
  SteadyTime last_start() const;
  // kExecution, kPermissionDenied: the server refused the statement; the session goes on. Others:
  // it is over.
  Result<PostgresRows> Query(const std::string& sql);
  // To be called after the last statement of a collection.
  void End();
  // Ends a running statement or connection attempt; nothing works after it.
  void Cancel();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// "db.example:5432/app": without user and password.
std::string PostgresAddress(const PostgresConfig& config);
// host:port
std::string PostgresInstance(const PostgresConfig& config);

}  // namespace tocsin
