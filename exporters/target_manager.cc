#include "exporters/target_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/published.h"
#include "exporters/collector_source.h"
#include "exporters/collectors.h"
#include "exporters/exposition_page.h"
#include "exporters/http_source.h"
#include "exporters/scrape_metrics.h"
#include "exporters/scrape_targets.h"
#include "exporters/target_loop.h"

namespace tocsin {
namespace {

// What one loop is to watch: a scrape target or a built-in collector.
struct Wanted {
  TargetLoop::Options options;
  std::shared_ptr<const ScrapeConfig> scrape;  // null for a collector
  std::shared_ptr<const CollectorConfig> collector;
  const CollectorSpec* spec = nullptr;
};

struct Watched {
  Wanted what;
  std::shared_ptr<TargetLoop> loop;
};

struct Plan {
  std::vector<Wanted> wanted;
  std::vector<TargetSnapshot> dropped;
};

bool SameConfig(const Wanted& a, const Wanted& b) {
  if (a.options.url != b.options.url || a.options.interval != b.options.interval ||
      a.options.timeout != b.options.timeout || a.spec != b.spec ||
      (a.scrape == nullptr) != (b.scrape == nullptr)) {
    return false;
  }
  return a.scrape != nullptr ? *a.scrape == *b.scrape : a.spec->equal(*a.collector, *b.collector);
}

Wanted WantedScrape(std::shared_ptr<const ScrapeConfig> config, ScrapeTarget target) {
  Wanted wanted;
  wanted.options.discovered_labels = std::move(target.discovered_labels);
  wanted.options.pool = config->job_name;
  wanted.options.url = std::move(target.url);
  wanted.options.interval = target.interval;
  wanted.options.timeout = target.timeout;
  wanted.options.series = {.target_labels = std::move(target.labels),
                           .honor_labels = config->honor_labels,
                           .honor_timestamps = config->honor_timestamps,
                           .metric_relabel = config->metric_relabel_configs,
                           .sample_limit = config->sample_limit,
                           .label_limit = config->label_limit};
  wanted.scrape = std::move(config);
  return wanted;
}

Wanted WantedCollector(const CollectorSpec& spec, CollectorTarget target,
                       const GlobalConfig& global) {
  const CollectorConfig& config = *target.config;
  Wanted wanted;
  wanted.options.pool = std::string(spec.name);
  wanted.options.url = std::move(target.url);
  wanted.options.built_in = true;
  wanted.options.interval =
      config.interval > Duration::zero() ? config.interval : global.scrape_interval;
  wanted.options.burst_interval = config.burst_interval;
  wanted.options.timeout =
      config.timeout > Duration::zero()
          ? config.timeout
          : std::min<Duration>(std::chrono::seconds(10), wanted.options.interval);
  LabelSet labels = config.labels;
  labels.Set("job", config.job);
  labels.Set("instance", config.instance);
  wanted.options.discovered_labels = labels;
  if (!spec.up.empty()) {
    const FamilySpec* up = FindFamily(spec.up);
    wanted.options.up_family = FamilyText{std::string(spec.up), MetricType::kGauge,
                                          up == nullptr ? "" : std::string(up->help)};
  }
  wanted.options.series = {.target_labels = std::move(labels)};
  wanted.collector = std::move(target.config);
  wanted.spec = &spec;
  return wanted;
}

Result<Plan> MakePlan(const Config& config, const std::string& own_instance) {
  Plan plan;
  for (const ScrapeConfig& scrape : config.scrape_configs) {
    // Without its targets: that one is added must not restart the others.
    auto shared = std::make_shared<ScrapeConfig>(scrape);
    shared->static_configs.clear();
    shared->discovery = {};
    ASSIGN_OR_RETURN(ScrapeTargets targets, ResolveTargets(scrape, config.global));
    for (ScrapeTarget& target : targets.active) {
      plan.wanted.push_back(WantedScrape(shared, std::move(target)));
    }
    for (LabelSet& labels : targets.dropped) {
      plan.dropped.push_back(
          {.discovered_labels = std::move(labels), .scrape_pool = scrape.job_name});
    }
  }
  for (const CollectorSpec& spec : Collectors()) {
    for (CollectorTarget& target : spec.targets(config, own_instance)) {
      if (spec.check != nullptr) RETURN_IF_ERROR(spec.check(*target.config));
      plan.wanted.push_back(WantedCollector(spec, std::move(target), config.global));
    }
  }
  return plan;
}

bool IsAskedFor(const Wanted& what, const ExpositionRequest& request) {
  const std::vector<std::string>& pools = request.pools;
  if (!pools.empty() && std::find(pools.begin(), pools.end(), what.options.pool) == pools.end()) {
    return false;
  }
  return request.instance.empty() ||
         what.options.series.target_labels.Get("instance") == request.instance;
}

// Each family of the page once, by name.
std::vector<std::shared_ptr<const FamilyText>> FamiliesOf(const CollectedPage* page) {
  std::vector<std::shared_ptr<const FamilyText>> families;
  if (page == nullptr) return families;
  for (const CollectedPage::Block& block : page->blocks) {
    if (block.family != nullptr) families.push_back(block.family);
  }
  std::sort(families.begin(), families.end(), [](const auto& a, const auto& b) { return *a < *b; });
  const auto repeated = std::unique(families.begin(), families.end(),
                                    [](const auto& a, const auto& b) { return *a == *b; });
  families.erase(repeated, families.end());
  return families;
}

}  // namespace

class TargetManager::State final : public ExpositionSource {
 public:
  explicit State(Dependencies dependencies)
      : deps_(std::move(dependencies)),
        metrics_(deps_.metrics),
        watched_(std::make_shared<const std::vector<Watched>>()),
        dropped_(std::make_shared<const std::vector<TargetSnapshot>>()) {}

  Status Apply(const Config& config) {
    ASSIGN_OR_RETURN(Plan plan, MakePlan(config, deps_.own_instance));
    std::vector<Watched> before = *watched_.Get();
    std::vector<Watched> after;
    std::vector<std::pair<size_t, std::vector<SeriesRef>>> started;
    for (Wanted& wanted : plan.wanted) {
      const auto same = std::find_if(before.begin(), before.end(), [&](const Watched& other) {
        return other.loop != nullptr &&
               other.what.options.series.target_labels == wanted.options.series.target_labels;
      });
      if (same != before.end() && SameConfig(same->what, wanted)) {
        after.push_back(std::move(*same));
        same->loop = nullptr;
        continue;
      }
      std::vector<SeriesRef> inherited;
      if (same != before.end()) {
        inherited = same->loop->HandOver();
        ended_.push_back(std::move(same->loop));
        same->loop = nullptr;
      }
      started.emplace_back(after.size(), std::move(inherited));
      std::shared_ptr<TargetLoop> loop = MakeLoop(wanted);
      after.push_back({.what = std::move(wanted), .loop = std::move(loop)});
    }
    for (Watched& gone : before) {
      if (gone.loop == nullptr) continue;
      gone.loop->Retire();
      ended_.push_back(std::move(gone.loop));
    }
    for (auto& [index, inherited] : started) after[index].loop->Start(std::move(inherited));
    watched_.Set(std::make_shared<const std::vector<Watched>>(std::move(after)));
    dropped_.Set(std::make_shared<const std::vector<TargetSnapshot>>(std::move(plan.dropped)));
    std::erase_if(ended_, [](const auto& loop) { return loop->idle(); });
    return Ok();
  }

  Status Check(const Config& config) const {
    const Result<Plan> plan = MakePlan(config, deps_.own_instance);
    return plan.ok() ? Ok() : Status(plan.error());
  }

  std::vector<FamilyText> Families() const {
    std::set<FamilyText> families;
    for (const Watched& watched : *watched_.Get()) {
      for (const auto& family : FamiliesOf(watched.loop->page().get())) families.insert(*family);
    }
    return {families.begin(), families.end()};
  }

  TargetsSnapshot Snapshot() const {
    TargetsSnapshot snapshot;
    for (const Watched& watched : *watched_.Get()) {
      snapshot.active.push_back(watched.loop->Snapshot());
      snapshot.active.back().families = FamiliesOf(watched.loop->page().get());
    }
    snapshot.dropped = *dropped_.Get();
    return snapshot;
  }

  void Burst() const {
    for (const Watched& watched : *watched_.Get()) watched.loop->CollectInBurst();
  }

  void Refresh(const ExpositionRequest& request, Duration at_most) const override {
    constexpr Duration kFreshEnough = std::chrono::seconds(1);
    std::vector<std::shared_ptr<TargetLoop>> loops;
    for (const Watched& watched : *watched_.Get()) {
      if (!IsAskedFor(watched.what, request) || IsOwnPage(watched.what)) continue;
      loops.push_back(watched.loop);
      watched.loop->CollectBetween(kFreshEnough);
    }
    const SteadyTime deadline = deps_.clock.Steady() + at_most;
    for (const std::shared_ptr<TargetLoop>& loop : loops) {
      loop->AwaitIdle(std::chrono::duration_cast<Duration>(deadline - deps_.clock.Steady()));
    }
  }

  void Stop() {
    const std::shared_ptr<const std::vector<Watched>> watched = watched_.Get();
    for (const Watched& each : *watched) each.loop->Stop();
    for (const Watched& each : *watched) each.loop->Join();
    for (const auto& loop : ended_) loop->Join();
  }

  uint64_t generation() const override { return generation_; }

  // A scrape of this process' own page: shown on that page again, it would grow with each round.
  bool IsOwnPage(const Wanted& what) const {
    return what.spec == nullptr && what.options.url == "http://" + deps_.own_instance + "/metrics";
  }

  void Render(const ExpositionRequest& request,
              const std::function<void(std::string_view)>& write) const override {
    std::vector<std::shared_ptr<const CollectedPage>> pages;
    for (const Watched& watched : *watched_.Get()) {
      if (IsAskedFor(watched.what, request) && !IsOwnPage(watched.what)) {
        pages.push_back(watched.loop->page());
      }
    }
    RenderPages(pages, deps_.sink, request, write);
  }

 private:
  CollectorDependencies Parts() const {
    return {.clock = deps_.clock,
            .scheduler = deps_.scheduler,
            .http = deps_.http,
            .files = deps_.files,
            .log = deps_.log,
            .metrics = deps_.metrics,
            .io = deps_.io,
            .state_folder = deps_.state_folder};
  }

  std::shared_ptr<TargetLoop> MakeLoop(const Wanted& wanted) {
    std::unique_ptr<Source> source;
    if (wanted.scrape != nullptr) {
      source = std::make_unique<HttpSource>(
          deps_.http, HttpSourceOptions{.url = wanted.options.url,
                                        .timeout = wanted.options.timeout,
                                        .body_size_limit = wanted.scrape->body_size_limit,
                                        .http = wanted.scrape->http});
    } else {
      source = std::make_unique<CollectorSource>(
          wanted.spec->make(*wanted.collector, Parts()),
          CollectorSourceOptions{.series_limit = wanted.collector->series_limit}, deps_.metrics);
    }
    return std::make_shared<TargetLoop>(
        TargetLoop::Dependencies{deps_.clock, deps_.scheduler, deps_.io, deps_.log, deps_.sink,
                                 metrics_, generation_},
        wanted.options, std::move(source));
  }

  const Dependencies deps_;
  const ScrapeMetrics metrics_;
  std::atomic<uint64_t> generation_ = 0;
  Published<std::vector<Watched>> watched_;
  Published<std::vector<TargetSnapshot>> dropped_;
  std::vector<std::shared_ptr<TargetLoop>> ended_;  // perhaps with a collection in flight
};

TargetManager::TargetManager(Dependencies dependencies)
    : state_(std::make_unique<State>(std::move(dependencies))) {}

TargetManager::~TargetManager() { state_->Stop(); }

Status TargetManager::Apply(const Config& config) { return state_->Apply(config); }

Status TargetManager::Check(const Config& config) const { return state_->Check(config); }

std::vector<FamilyText> TargetManager::Families() const { return state_->Families(); }

TargetsSnapshot TargetManager::Snapshot() const { return state_->Snapshot(); }

const ExpositionSource& TargetManager::exposition() const { return *state_; }

void TargetManager::Burst() { state_->Burst(); }
void TargetManager::Stop() { state_->Stop(); }

}  // namespace tocsin
