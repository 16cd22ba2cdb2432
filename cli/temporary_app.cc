#include "cli/temporary_app.h"

#include <utility>

#include "base/executor.h"
#include "base/metrics.h"
#include "base/scheduler.h"
#include "engine/storage/head.h"
#include "exporters/target_manager.h"

namespace tocsin::cli {

// In the order in which they need each other: threads end last.
struct TemporaryApp::Parts {
  explicit Parts(CommandContext& context)
      : log(MakeStderrLogger(LogLevel::kError, LogFormat::kLogfmt)),
        head(HeadOptions{}, context.clock),
        targets({.clock = context.clock,
                 .scheduler = scheduler,
                 .io = io,
                 .http = context.http,
                 .files = context.files,
                 .log = *log,
                 .sink = head,
                 .metrics = metrics,
                 .own_instance = "",
                 .state_folder = ""}) {}

  ThreadScheduler scheduler;
  ThreadPool io{"tocsin-io", 8};
  std::unique_ptr<Logger> log;
  Metrics metrics;
  Head head;
  TargetManager targets;
};

TemporaryApp::TemporaryApp(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

TemporaryApp::~TemporaryApp() { parts_->targets.Stop(); }

Result<std::unique_ptr<TemporaryApp>> TemporaryApp::Start(const std::string& config_file,
                                                          CommandContext& context) {
  ASSIGN_OR_RETURN(const Config config,
                   config_file.empty()
                       ? DefaultConfig(context.files, context.environment)
                       : LoadConfig(context.files, context.environment, config_file));
  auto parts = std::make_unique<Parts>(context);
  RETURN_IF_ERROR(parts->targets.Check(config));
  RETURN_IF_ERROR(parts->targets.Apply(config));
  return std::unique_ptr<TemporaryApp>(new TemporaryApp(std::move(parts)));
}

const Querier& TemporaryApp::querier() const { return parts_->head; }

}  // namespace tocsin::cli
