// What the HTTP API may see and do of the process. The composition root fills it in; tests fill
// it in with tables.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alertmanager_client/alertmanager_snapshot.h"
#include "base/clock.h"
#include "base/http_client.h"
#include "base/result.h"
#include "config/config.h"
#include "engine/promql/engine.h"
#include "engine/storage/appender.h"
#include "engine/storage/head.h"
#include "engine/storage/querier.h"
#include "exporters/exposition_source.h"
#include "exporters/target_snapshot.h"
#include "rules/lint/verdicts.h"
#include "rules/snapshot.h"
#include "server/turns.h"

namespace tocsin::server {

struct BuildInfo {
  std::string version;
  std::string revision;
};

struct RuntimeInfo {
  Timestamp start_time{};
  std::string working_directory;
  bool last_reload_ok = true;
  std::optional<Timestamp> last_reload;
  std::string last_reload_error;
  size_t series = 0;
  std::string retention;
};

struct FamilyMetadata {
  std::string name;
  std::string type;
  std::string help;
  std::string unit;
};

struct ProcessView {
  const Clock& clock;
  const promql::Engine& engine;
  const Querier& querier;
  const ExpositionSource& exposition;  // the page /metrics
  BuildInfo build;
  // The flags of `serve` and their values, sorted by name; secrets never are flags.
  std::vector<std::pair<std::string, std::string>> flags;
  std::string external_url;  // without a trailing slash
  bool lifecycle = false;    // POST /-/reload and /-/quit are allowed
  // Where POST /api/v1/write goes; null: it is not allowed.
  SampleSink* remote_write = nullptr;
  // By which /probe looks; null: it is off.
  HttpClient* http = nullptr;
  // Each keeps a core busy.
  Turns backtests{2};

  // Functions may be called from any thread.
  std::function<bool()> ready;
  std::function<std::shared_ptr<const Config>()> config;
  std::function<TargetsSnapshot()> targets;
  std::function<std::shared_ptr<const RulesSnapshot>()> rules;
  std::function<AlertmanagersSnapshot()> alertmanagers;
  // Rules that can never fire, or always do; may be empty.
  std::function<std::shared_ptr<const CertainVerdicts>()> verdicts;
  std::function<RuntimeInfo()> runtime;
  std::function<HeadStats()> store;
  std::function<std::vector<FamilyMetadata>()> metadata;
  // Returns what has changed, for people.
  std::function<Result<std::string>()> reload;
  std::function<void()> quit;
};

}  // namespace tocsin::server
