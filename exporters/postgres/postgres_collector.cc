#include "exporters/postgres/postgres_collector.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/thread_annotations.h"
#include "exporters/family_index.h"
#include "exporters/peer_text.h"
#include "exporters/postgres/postgres_connection.h"
#include "exporters/postgres/postgres_custom.h"
#include "exporters/postgres/postgres_parts.h"
#include "exporters/postgres/postgres_questions.h"
#include "exporters/postgres/postgres_statements.h"

namespace tocsin {
namespace {

// The rest of a collection's time is for the answer to be taken in.
constexpr Duration kMargin = std::chrono::milliseconds(50);
// What one database may take of a collection.
constexpr Duration kVisitTime = std::chrono::seconds(3);
constexpr size_t kMaxDatabases = 500;
constexpr size_t kMaxProblems = 20;
constexpr size_t kLongestProblem = 1000;

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(PostgresFamilies(), name); }

bool MatchesAny(const std::vector<Regex>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [name](const Regex& regex) { return regex.Matches(name); });
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Which parts and queries a session is asked for.
class QuestionMaker {
 public:
  explicit QuestionMaker(const PostgresConfig& config) : config_(config) {}

  bool Wants(const PostgresPart& part) const {
    if (Contains(config_.disable, part.name)) return false;
    return part.by_default || Contains(config_.enable, part.name);
  }

  // `all`: of the server, too, and not only of the database that the session is in.
  std::vector<PostgresQuestion> Make(const PostgresCatalogue& catalogue, bool all) const {
    const PostgresStatementOptions options{.activity_labels = config_.activity_labels,
                                           .aliases = config_.aliases,
                                           .max_tables = config_.max_tables,
                                           .statements_limit = config_.statements_limit};
    std::vector<PostgresQuestion> questions;
    for (const PostgresPart& part : PostgresParts()) {
      if (!Wants(part) || (!all && part.scope == PostgresScope::kServer)) continue;
      std::optional<PostgresStatement> statement = MakePostgresStatement(part, catalogue, options);
      if (!statement) continue;
      std::string sql = statement->sql;
      questions.push_back({.name = std::string(part.name),
                           .sql = std::move(sql),
                           .every = Every(part.tier),
                           .write = [made = *std::move(statement)](
                                        const PostgresRows& rows,
                                        MetricSink& sink) { WritePostgresRows(made, rows, sink); },
                           .role = std::string(part.role)});
    }
    for (const PostgresQuery& query : config_.queries) {
      if ((!all && query.master) || !query.versions.Contains(catalogue.version)) continue;
      // Their authors name tables as other sessions find them.
      questions.push_back(
          {.name = query.name,
           .sql = "SET LOCAL search_path TO DEFAULT; " + query.sql,
           .every = query.cache,
           .write = [query, version = catalogue.version](
                        const PostgresRows& rows,
                        MetricSink& sink) { WritePostgresQuery(query, version, rows, sink); },
           .role = {}});
    }
    return questions;
  }

  // A role that sees less than it could makes figures smaller, which nobody would notice.
  void NoteMissingRights(const PostgresCatalogue& catalogue,
                         std::vector<std::string>& problems) const {
    for (const std::string& role : catalogue.missing_roles) {
      NoteMissingRight(role, {.what = role, .grant = role}, catalogue, problems);
    }
    if (!catalogue.has_unreadable_tables) return;
    NoteMissingRight("pg_read_all_data",
                     {.what = "SELECT on tables of " + catalogue.database,
                      .grant = "SELECT ON ALL TABLES IN SCHEMA public"},
                     catalogue, problems);
  }

 private:
  struct MissingRight {
    std::string what;
    std::string grant;  // "GRANT … TO"
  };
  // `role`: by which the table of parts names what they want.
  void NoteMissingRight(std::string_view role, const MissingRight& right,
                        const PostgresCatalogue& catalogue,
                        std::vector<std::string>& problems) const {
    std::string parts;
    for (const PostgresPart& part : PostgresParts()) {
      if (part.role != role || !Wants(part)) continue;
      parts.append(parts.empty() ? "" : ", ").append(part.name);
    }
    if (parts.empty()) return;
    problems.push_back("role " + catalogue.role + " lacks " + right.what +
                       " and sees only a part of " + parts + "; GRANT " + right.grant + " TO " +
                       catalogue.role);
  }

  Duration Every(PostgresTier tier) const {
    switch (tier) {
      case PostgresTier::kFast:
        return Duration::zero();
      case PostgresTier::kNormal:
        return config_.normal_interval;
      case PostgresTier::kSlow:
        return config_.slow_interval;
    }
    return Duration::zero();
  }

  const PostgresConfig& config_;
};

// What is known of one more database of the server.
struct Visited {
  std::optional<PostgresQuestions> questions;
  std::optional<SteadyTime> tried;
  std::optional<SteadyTime> answered;
};

class PostgresCollector final : public Collector {
 public:
  PostgresCollector(const PostgresConfig& config, const Clock& clock, Scheduler& scheduler)
      : config_(config),
        maker_(config_),
        clock_(clock),
        scheduler_(scheduler),
        server_(config_, "", clock, scheduler) {}

  Status Collect(CollectContext& context, MetricSink& sink) override {
    const SteadyTime started = clock_.Steady();
    ++collections_;
    Status status = AskServer(context);
    server_.End();
    if (!status.ok()) return status;
    if (config_.discover_databases) VisitDatabases(context);
    WriteAll(started, sink);
    if (context.problems.size() > kMaxProblems) context.problems.resize(kMaxProblems);
    for (std::string& problem : context.problems) problem = PeerMessage(problem, kLongestProblem);
    return Ok();
  }

  void Cancel() override {
    server_.Cancel();
    const MutexLock lock(visitor_mutex_);
    canceled_ = true;
    if (visitor_ != nullptr) visitor_->Cancel();
  }

 private:
  Status AskServer(CollectContext& context) {
    RETURN_IF_ERROR(server_.Begin(context.deadline - kMargin));
    if (server_.fresh()) questions_.reset();
    RETURN_IF_ERROR(LookAround());
    maker_.NoteMissingRights(catalogue_, context.problems);
    const auto query = [this](const std::string& sql) { return server_.Query(sql); };
    return questions_->Ask(clock_, server_.last_start(), query, catalogue_.role, context.problems);
  }

  // What the server has and what the role may do, at the beginning and now and then.
  Status LookAround() {
    const SteadyTime now = clock_.Steady();
    if (questions_ && now - looked_around_ < config_.normal_interval) return Ok();
    ASSIGN_OR_RETURN(PostgresCatalogue found, ReadCatalogue(server_));
    if (!questions_ || found.views != catalogue_.views || found.version != catalogue_.version) {
      questions_.emplace(maker_.Make(found, true));
      databases_.clear();
    }
    catalogue_ = std::move(found);
    looked_around_ = now;
    return config_.discover_databases ? FindDatabases() : Ok();
  }

  static Result<PostgresCatalogue> ReadCatalogue(PostgresConnection& connection) {
    ASSIGN_OR_RETURN(const PostgresRows session, connection.Query(PostgresSessionSql()));
    ASSIGN_OR_RETURN(const PostgresRows views, connection.Query(PostgresViewsSql()));
    return ReadPostgresCatalogue(session, views);
  }

  Status FindDatabases() {
    ASSIGN_OR_RETURN(
        const PostgresRows rows,
        server_.Query("SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate "
                      "AND datname <> current_database() "
                      "AND has_database_privilege(oid, 'CONNECT') ORDER BY datname"));
    std::map<std::string, Visited> found;
    for (size_t row = 0; row < rows.rows() && found.size() < kMaxDatabases; ++row) {
      const std::string name(rows.At(row, 0).value_or(""));
      if (!config_.include_databases.empty() && !MatchesAny(config_.include_databases, name)) {
        continue;
      }
      if (MatchesAny(config_.exclude_databases, name)) continue;
      found[name] = std::move(databases_[name]);
    }
    databases_ = std::move(found);
    return Ok();
  }

  // One session goes round; who has waited longest is first. What time does not allow is for the
  // next collection.
  void VisitDatabases(CollectContext& context) {
    while (true) {
      const SteadyTime now = clock_.Steady();
      const auto left = std::chrono::duration_cast<Duration>(context.deadline - kMargin - now);
      if (left < std::min(kVisitTime, config_.normal_interval) / 4) return;
      Visited* next = nullptr;
      const std::string* name = nullptr;
      for (auto& [candidate, visited] : databases_) {
        if (visited.tried && now - *visited.tried < config_.normal_interval * 95 / 100) continue;
        if (next == nullptr || visited.tried < next->tried) {
          next = &visited;
          name = &candidate;
        }
      }
      if (next == nullptr) return;
      next->tried = now;
      const Status status = Visit(*name, *next, now + std::min(left, kVisitTime), context);
      if (!status.ok()) context.problems.push_back(status.error().message);
    }
  }

  Status Visit(const std::string& name, Visited& visited, SteadyTime deadline,
               CollectContext& context) {
    if (!OpenVisitor(name)) return Canceled("canceled");
    RETURN_IF_ERROR(visitor_->Begin(deadline));
    Status status = AskDatabase(visited, context);
    visitor_->End();
    return status;
  }

  Status AskDatabase(Visited& visited, CollectContext& context) {
    if (!visited.questions) {
      ASSIGN_OR_RETURN(const PostgresCatalogue catalogue, ReadCatalogue(*visitor_));
      visited.questions.emplace(maker_.Make(catalogue, false));
    }
    const auto query = [this](const std::string& sql) { return visitor_->Query(sql); };
    RETURN_IF_ERROR(visited.questions->Ask(clock_, visitor_->last_start(), query, catalogue_.role,
                                           context.problems));
    visited.answered = clock_.Steady();
    return Ok();
  }

  bool OpenVisitor(const std::string& database) {
    if (visitor_ != nullptr && visitor_database_ == database) return true;
    auto made = std::make_unique<PostgresConnection>(config_, database, clock_, scheduler_);
    const MutexLock lock(visitor_mutex_);
    if (canceled_) return false;
    visitor_ = std::move(made);
    visitor_database_ = database;
    return true;
  }

  void WriteAll(SteadyTime started, MetricSink& sink) const {
    questions_->Replay(sink);
    const SteadyTime now = clock_.Steady();
    std::vector<PostgresOutcome> outcomes;
    questions_->Report(outcomes);
    for (const auto& [name, visited] : databases_) {
      if (!visited.questions || !visited.answered) continue;
      visited.questions->Replay(sink);
      visited.questions->Report(outcomes);
      const std::chrono::duration<double> age = now - *visited.answered;
      sink.Write(Family("pg_database_visit_age_seconds"), {{"datname", name}}, age.count());
    }
    for (const PostgresOutcome& outcome : outcomes) {
      sink.Write(Family("pg_scrape_collector_success"), {{"collector", outcome.name}},
                 outcome.success ? 1 : 0);
    }
    for (const PostgresOutcome& outcome : outcomes) {
      sink.Write(Family("pg_scrape_collector_duration_seconds"), {{"collector", outcome.name}},
                 outcome.seconds);
    }
    const std::chrono::duration<double> took = now - started;
    const bool success = std::ranges::all_of(outcomes, &PostgresOutcome::success);
    sink.Write(Family("pg_exporter_last_scrape_error"), success ? 0 : 1);
    sink.Write(Family("pg_exporter_last_scrape_duration_seconds"), took.count());
    sink.Write(Family("pg_exporter_scrapes_total"), static_cast<double>(collections_));
  }

  const PostgresConfig config_;
  const QuestionMaker maker_;
  const Clock& clock_;
  Scheduler& scheduler_;
  PostgresConnection server_;
  PostgresCatalogue catalogue_;
  SteadyTime looked_around_;
  std::optional<PostgresQuestions> questions_;
  uint64_t collections_ = 0;

  std::map<std::string, Visited> databases_;
  Mutex visitor_mutex_;  // for Cancel; only Collect changes what it guards
  std::unique_ptr<PostgresConnection> visitor_;
  std::string visitor_database_;
  bool canceled_ GUARDED_BY(visitor_mutex_) = false;
};

std::vector<CollectorTarget> Targets(const Config& config, const std::string& /*own_instance*/) {
  std::vector<CollectorTarget> targets;
  for (const PostgresConfig& written : config.collectors.postgres) {
    auto postgres = std::make_shared<PostgresConfig>(written);
    if (postgres->job.empty()) postgres->job = "postgres";
    if (postgres->instance.empty()) postgres->instance = PostgresInstance(written);
    targets.push_back(
        {.config = std::move(postgres), .url = "tocsin://postgres/" + PostgresAddress(written)});
  }
  return targets;
}

// Names of parts and labels stand in tables that the configuration's reader does not know.
Status Check(const CollectorConfig& config) {
  const auto& postgres = static_cast<const PostgresConfig&>(config);
  std::string known;
  for (const PostgresPart& part : PostgresParts()) {
    known.append(known.empty() ? "" : ", ").append(part.name);
  }
  for (const std::vector<std::string>* names : {&postgres.enable, &postgres.disable}) {
    for (const std::string& name : *names) {
      if (FindPostgresPart(name) != nullptr) continue;
      return InvalidArgument("postgres: there is no part \"" + name + "\"; there are " + known);
    }
  }
  for (const std::string& label : postgres.activity_labels) {
    if (IsActivityLabel(label)) continue;
    return InvalidArgument("postgres: activity_labels: \"" + label +
                           "\" is no column of pg_stat_activity that can be a label");
  }
  return Ok();
}

std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  return std::make_unique<PostgresCollector>(static_cast<const PostgresConfig&>(config),
                                             dependencies.clock, dependencies.scheduler);
}

}  // namespace

CollectorSpec PostgresCollectorSpec() {
  return {
      .name = "postgres",
      .help = "A Postgres server: sessions, transactions, tables, locks, replication, settings.",
      .up = "pg_up",
      .families = PostgresFamilies(),
      .targets = Targets,
      .make = Make,
      .equal = SameConfig<PostgresConfig>,
      .check = Check};
}

}  // namespace tocsin
