// One session with a Postgres, with a deadline on every statement.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "config/config.h"

namespace tocsin {

// Text as Postgres sends it; nothing for NULL.
struct PostgresRows {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

// The session is kept over collections and made anew when it broke. A server that stops answering
// is cut off at the deadline: the server is told by statement_timeout, and when it does not listen
// the socket is shut down.
//
// Not thread-safe, but for Cancel.
class PostgresConnection {
 public:
  PostgresConnection(const PostgresConfig& config, const Clock& clock, Scheduler& scheduler);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Connects if there is no session. Everything until the next Begin has to be done by then.
  // Errors hold no secrets.
  Status Begin(SteadyTime deadline);
  // kExecution: the server refused the statement; the session goes on. Others: it is over.
  Result<PostgresRows> Query(const std::string& sql);
  // To be called after the last statement of a collection.
  void End();
  // Ends a running statement; nothing works after it.
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
