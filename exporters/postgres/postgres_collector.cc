#include "exporters/postgres/postgres_collector.h"

#include <utility>

#include "exporters/family_index.h"
#include "exporters/postgres/postgres_connection.h"
#include "exporters/postgres/postgres_families.h"
#include "exporters/postgres/postgres_parts.h"

namespace tocsin {
namespace {

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kPostgresFamilies, name); }

class PostgresCollector final : public Collector {
 public:
  PostgresCollector(const PostgresConfig& config, const Clock& clock, Scheduler& scheduler)
      : parts_(PostgresParts(config.activity_labels)), connection_(config, clock, scheduler) {}

  Status Collect(CollectContext& context, MetricSink& sink) override {
    Status status = CollectAll(context, sink);
    connection_.End();
    return status;
  }

  void Cancel() override { connection_.Cancel(); }

 private:
  struct Outcome {
    std::string_view part;
    bool success;
    double seconds;
  };

  Status CollectAll(CollectContext& context, MetricSink& sink) {
    const SteadyTime started = context.clock.Steady();
    RETURN_IF_ERROR(connection_.Begin(context.deadline));
    std::vector<Outcome> outcomes;
    RETURN_IF_ERROR(Ask(context, "settings", std::string(kPostgresSettingsSql), outcomes,
                        [&](const PostgresRows& rows) { WritePostgresSettings(rows, sink); }));
    for (const PostgresPart& part : parts_) {
      RETURN_IF_ERROR(Ask(context, part.name, part.sql, outcomes, [&](const PostgresRows& rows) {
        WritePostgresRows(part, rows, kPostgresFamilies, sink);
      }));
    }
    WriteOutcomes(context, started, outcomes, sink);
    return Ok();
  }

  // A statement that the server refuses (a missing grant, a view of another version) is a problem
  // to show; the others go on.
  template <typename Write>
  Status Ask(CollectContext& context, std::string_view part, const std::string& sql,
             std::vector<Outcome>& outcomes, Write write) {
    const SteadyTime started = context.clock.Steady();
    const Result<PostgresRows> rows = connection_.Query(sql);
    const std::chrono::duration<double> took = context.clock.Steady() - started;
    outcomes.push_back({part, rows.ok(), took.count()});
    if (rows.ok()) {
      write(*rows);
      return Ok();
    }
    if (rows.error().code != ErrorCode::kExecution) return rows.error();
    context.problems.push_back(std::string(part) + ": " + rows.error().message);
    return Ok();
  }

  static void WriteOutcomes(const CollectContext& context, SteadyTime started,
                            const std::vector<Outcome>& outcomes, MetricSink& sink) {
    bool all = true;
    for (const Outcome& outcome : outcomes) {
      all = all && outcome.success;
      sink.Write(Family("pg_scrape_collector_success"), {{"collector", outcome.part}},
                 outcome.success ? 1 : 0);
    }
    for (const Outcome& outcome : outcomes) {
      sink.Write(Family("pg_scrape_collector_duration_seconds"), {{"collector", outcome.part}},
                 outcome.seconds);
    }
    const std::chrono::duration<double> took = context.clock.Steady() - started;
    sink.Write(Family("pg_exporter_last_scrape_error"), all ? 0 : 1);
    sink.Write(Family("pg_exporter_last_scrape_duration_seconds"), took.count());
  }

  const std::vector<PostgresPart> parts_;
  PostgresConnection connection_;
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
      .families = kPostgresFamilies,
      .targets = Targets,
      .make = Make,
      .equal = SameConfig<PostgresConfig>};
}

}  // namespace tocsin
