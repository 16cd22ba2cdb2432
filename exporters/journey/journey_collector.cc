#include "exporters/journey/journey_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "delivery/journey/journey_runner.h"
#include "exporters/journey/journey_families.h"

namespace tocsin {
namespace {

constexpr Duration kInterval = std::chrono::minutes(1);
constexpr Duration kLongestCleanup = std::chrono::seconds(5);

double Seconds(delivery::Latency latency) { return std::chrono::duration<double>(latency).count(); }

// What was made by probes can be told from what users made.
std::string RunName(const Clock& clock) { return fmt::format("probe-{:x}", ToMs(clock.Now())); }

struct StepFigure {
  const FamilySpec& family;
  double (*value)(const delivery::StepOutcome& step);
};
constexpr StepFigure kStepFigures[] = {
    {JourneyFamily("journey_step_duration_seconds"),
     [](const delivery::StepOutcome& step) { return Seconds(step.latency); }},
    {JourneyFamily("journey_step_requests"),
     [](const delivery::StepOutcome& step) { return static_cast<double>(step.requests); }},
    {JourneyFamily("journey_step_status_code"),
     [](const delivery::StepOutcome& step) { return static_cast<double>(step.status); }},
    {JourneyFamily("journey_step_success"),
     [](const delivery::StepOutcome& step) { return step.ok ? 1.0 : 0.0; }},
};

// Of steps with the same name the last is told of.
void WriteOutcome(const delivery::JourneyOutcome& outcome, MetricSink& sink) {
  std::map<std::string_view, const delivery::StepOutcome*> steps;
  for (const delivery::StepOutcome& step : outcome.steps) steps[step.name] = &step;
  sink.Write(JourneyFamily("journey_duration_seconds"), Seconds(outcome.total));
  for (const StepFigure& figure : kStepFigures) {
    for (const auto& [name, step] : steps) {
      sink.Write(figure.family, {{"step", name}}, figure.value(*step));
    }
  }
  sink.Write(JourneyFamily("journey_success"), outcome.ok ? 1 : 0);
}

class JourneyCollector final : public Collector {
 public:
  JourneyCollector(JourneyConfig config, delivery::Journey journey, HttpClient& http)
      : config_(std::move(config)), journey_(std::move(journey)), http_(http) {}

  // Never fails: that a journey does not work is the answer.
  Status Collect(CollectContext& context, MetricSink& sink) override {
    RunJourneyProbe(
        config_, journey_, http_, context, [this](Duration span) { return Pause(span); },
        [this] { return IsCanceled(); }, sink);
    return Ok();
  }

  void Cancel() override {
    {
      const std::lock_guard lock(mutex_);
      canceled_ = true;
    }
    changed_.notify_all();
  }

 private:
  bool IsCanceled() {
    const std::lock_guard lock(mutex_);
    return canceled_;
  }
  bool Pause(Duration span) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, span, [this] { return canceled_; });
  }

  const JourneyConfig config_;
  const delivery::Journey journey_;
  HttpClient& http_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool canceled_ = false;  // under mutex_
};

Result<std::vector<delivery::Journey>> ReadWanted(const JourneyConfig& config) {
  ASSIGN_OR_RETURN(const std::vector<delivery::Journey> all,
                   delivery::ParseJourneys(config.file, config.text));
  return delivery::ChooseJourneys(all, config.journeys, config.file);
}

// A target per journey; one without a journey where the file is wrong, so that Check can say it.
std::vector<CollectorTarget> Targets(const Config& config, const std::string& /*own_instance*/) {
  std::vector<CollectorTarget> targets;
  for (const JourneyConfig& written : config.collectors.journey) {
    const std::string shown = UrlWithoutSecrets(written.url);
    auto common = std::make_shared<JourneyConfig>(written);
    if (common->job.empty()) common->job = "journey";
    if (common->instance.empty()) common->instance = shown;
    if (common->interval <= Duration::zero()) common->interval = kInterval;
    if (common->timeout <= Duration::zero()) common->timeout = common->interval;
    const Result<std::vector<delivery::Journey>> journeys = ReadWanted(written);
    if (!journeys.ok()) {
      targets.push_back({.config = std::move(common), .url = "tocsin://journey/" + shown});
      continue;
    }
    for (const delivery::Journey& journey : *journeys) {
      auto one = std::make_shared<JourneyConfig>(*common);
      one->journeys = {journey.name};
      one->labels.Set("journey", journey.name);
      targets.push_back(
          {.config = std::move(one), .url = "tocsin://journey/" + shown + "/" + journey.name});
    }
  }
  return targets;
}

Status Check(const CollectorConfig& config) {
  const Result<std::vector<delivery::Journey>> journeys =
      ReadWanted(static_cast<const JourneyConfig&>(config));
  return journeys.ok() ? Ok() : Status(journeys.error());
}

// Check has been asked before.
std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  const auto& journey = static_cast<const JourneyConfig&>(config);
  Result<std::vector<delivery::Journey>> wanted = ReadWanted(journey);
  return std::make_unique<JourneyCollector>(
      journey, wanted.ok() ? std::move(wanted->front()) : delivery::Journey(), dependencies.http);
}

}  // namespace

void RunJourneyProbe(const JourneyConfig& config, const delivery::Journey& journey,
                     HttpClient& http, CollectContext& context, const JourneyPause& pause,
                     const std::function<bool()>& canceled, MetricSink& sink) {
  const SteadyTime start = context.clock.Steady();
  const auto left = std::chrono::duration_cast<Duration>(context.deadline - start);
  const delivery::JourneyWorld world{
      .clock = context.clock,
      .http = http,
      .pause = pause,
      .base_url = config.url,
      .headers = {},
      .timeout = left,
      .tls = {},
      .prepare =
          [&](HttpRequest& request) {
            Configure(request, config.http);
            request.canceled = canceled;
          },
      .steps_until = context.deadline - std::min(left / 5, kLongestCleanup),
      .cleanup_until = context.deadline};
  SteadyTime began = start;
  const delivery::JourneyOutcome outcome = delivery::RunJourney(
      journey, RunName(context.clock), world, [&](const delivery::StepOutcome& step) {
        context.Step(step.name, began, static_cast<size_t>(step.requests), step.problem);
        began = context.clock.Steady();
        if (!step.ok) {
          context.problems.push_back(journey.name + ", " + step.name + ": " + step.problem);
        }
      });
  WriteOutcome(outcome, sink);
}

CollectorSpec JourneyCollectorSpec() {
  return {
      .name = "journey",
      .help = "What users do with an app, step by step: whether it works and how long it takes.",
      .up = "",
      .families = kJourneyFamilies,
      .targets = Targets,
      .make = Make,
      .equal = SameConfig<JourneyConfig>,
      .check = Check};
}

}  // namespace tocsin
