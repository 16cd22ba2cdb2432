// What is asked of one session, how often, and what was answered last.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "exporters/collector.h"
#include "exporters/postgres/postgres_rows.h"
#include "exporters/recorded_samples.h"

namespace tocsin {

struct PostgresQuestion {
  std::string name;  // of the part or custom query, for messages
  std::string sql;
  Duration every{};  // 0: in every collection
  std::function<void(const PostgresRows&, MetricSink&)> write;
  std::string role;  // what the role lacks when the server refuses: "pg_monitor"
};

// How a part has done, over the sessions that it was asked of.
struct PostgresOutcome {
  std::string_view name;
  bool success = true;
  double seconds = 0;
};

// Not thread-safe.
class PostgresQuestions {
 public:
  // Runs a statement; kExecution and kPermissionDenied are the server's answer, other errors the
  // end of the session.
  using Query = std::function<Result<PostgresRows>(const std::string& sql)>;

  explicit PostgresQuestions(std::vector<PostgresQuestion> questions);

  // Asks what is due, in its order, and keeps the answers. No question is begun after `until`: the
  // next round goes on with those that are due then. A question that the server refuses is told in
  // `problems` and asked again in the next round; what it gave before is shown until it is due the
  // next time, and forgotten then. An error: the session is over.
  Status Ask(const Clock& clock, SteadyTime until, const Query& query, std::string_view role,
             std::vector<std::string>& problems);
  // Everything that was answered last.
  void Replay(MetricSink& sink) const;
  // Adds how the questions have done to the outcomes of their names.
  void Report(std::vector<PostgresOutcome>& outcomes) const;

 private:
  struct Asked {
    PostgresQuestion question;
    RecordedSamples samples;
    std::optional<SteadyTime> answered;
    bool asked = false;
    bool success = false;
    double seconds = 0;
  };
  static bool Due(const Asked& asked, SteadyTime now);

  std::vector<Asked> asked_;
};

}  // namespace tocsin
