#include "exporters/target_loop.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/hash.h"
#include "exporters/slots.h"

namespace tocsin {
namespace {

// Between a collection's time limit and the next slot.
constexpr Duration kLongestMargin = std::chrono::milliseconds(100);

struct LoopFamily {
  std::string_view name;
  std::string_view help;
};
// In the order of TargetLoop::Report.
constexpr std::array<LoopFamily, 5> kLoopFamilies = {{
    {"up", "Whether the last collection of the target worked."},
    {"scrape_duration_seconds", "How long the last collection took."},
    {"scrape_samples_scraped", "Samples that the target showed."},
    {"scrape_samples_post_metric_relabeling", "Samples that remained after relabelling."},
    {"scrape_series_added", "Series that this collection saw for the first time."},
}};

// Of built-in collectors; with the label `collector`.
constexpr std::array<LoopFamily, 3> kCollectorFamilies = {{
    {"tocsin_collector_success", "Whether the last collection worked."},
    {"tocsin_collector_duration_seconds", "How long the last collection took."},
    {"tocsin_collector_last_success_timestamp_seconds",
     "When the last collection that worked began, in seconds since the epoch; 0 before the first."},
}};

std::vector<std::shared_ptr<const FamilyText>> ReportFamilies(const TargetLoop::Options& options) {
  std::vector<std::shared_ptr<const FamilyText>> families;
  const auto add = [&](const LoopFamily& family) {
    families.push_back(std::make_shared<const FamilyText>(
        FamilyText{std::string(family.name), MetricType::kGauge, std::string(family.help)}));
  };
  for (const LoopFamily& family : kLoopFamilies) add(family);
  if (options.up_family.has_value()) {
    families.push_back(std::make_shared<const FamilyText>(*options.up_family));
  }
  if (options.built_in) {
    for (const LoopFamily& family : kCollectorFamilies) add(family);
  }
  return families;
}

PendingSample FloatSample(SeriesRef ref, int64_t t_ms, double value) {
  return {.ref = ref, .t_ms = t_ms, .value = value, .histogram = nullptr};
}

}  // namespace

TargetLoop::TargetLoop(const Dependencies& dependencies, Options options,
                       std::unique_ptr<Source> source)
    : deps_(dependencies),
      options_(std::move(options)),
      slot_hash_(Hash64(options_.series.target_labels.ToString() + options_.url)),
      source_(std::move(source)),
      report_families_(ReportFamilies(options_)),
      writer_(deps_.sink, options_.series) {
  snapshot_.discovered_labels = options_.discovered_labels;
  snapshot_.labels = options_.series.target_labels;
  snapshot_.scrape_pool = options_.pool;
  snapshot_.scrape_url = options_.url;
  snapshot_.built_in = options_.built_in;
  snapshot_.interval = options_.interval;
  snapshot_.timeout = options_.timeout;
}

void TargetLoop::Start(std::vector<SeriesRef> inherited) {
  const MutexLock lock(mutex_);
  writer_.Inherit(std::move(inherited));
  ScheduleAfter(deps_.clock.Now());
}

void TargetLoop::ScheduleAfter(Timestamp slot) {
  const Timestamp now = deps_.clock.Now();
  // A timer may be a little early by the wall clock, which may also jump.
  const bool early = slot > now && slot - now < options_.interval;
  const Timestamp next = NextSlot(early ? slot : now, options_.interval, slot_hash_);
  next_slot_ = deps_.clock.Steady() + (next - now);
  timer_ = deps_.scheduler.After(next - now, deps_.io,
                                 [self = shared_from_this(), next] { self->Tick(next); });
}

void TargetLoop::Tick(Timestamp slot) {
  bool busy = false;
  std::vector<PendingSample> missed;
  {
    const MutexLock lock(mutex_);
    if (phase_ != Phase::kRunning) return;
    ScheduleAfter(slot);
    busy = std::exchange(in_flight_, true);
    if (busy) missed = MissSlot(slot);
    if (!busy) began_ = deps_.clock.Steady();
  }
  if (!busy) return Collect(slot, TimeLimit());
  deps_.metrics.missed->Increment();
  (void)Commit(missed);
}

void TargetLoop::CollectInBurst() {
  // A timer of the same period may be a little early.
  constexpr Duration kTolerance = std::chrono::milliseconds(100);
  if (options_.burst_interval > Duration::zero()) {
    CollectBetween(options_.burst_interval - kTolerance);
  }
}

void TargetLoop::CollectBetween(Duration young) {
  {
    const MutexLock lock(mutex_);
    const SteadyTime now = deps_.clock.Steady();
    if (phase_ != Phase::kRunning || in_flight_ || snapshot_.collections == 0) return;
    if (now - began_ < young) return;
    // Twice what the last one took, for the next slot must not be missed.
    if (next_slot_ - now < 2 * snapshot_.last_duration + kLongestMargin) return;
    in_flight_ = true;
    began_ = now;
  }
  deps_.io.Post([self = shared_from_this()] { self->TickBetween(); });
}

void TargetLoop::TickBetween() {
  Duration limit{};
  {
    const MutexLock lock(mutex_);
    const auto left = std::chrono::duration_cast<Duration>(next_slot_ - deps_.clock.Steady());
    limit = std::min(TimeLimit(), left - kLongestMargin / 2);
    if (phase_ != Phase::kRunning || limit <= Duration::zero()) {
      in_flight_ = false;
      limit = Duration::zero();
    }
    hurried_ = limit < TimeLimit();
  }
  if (limit > Duration::zero()) return Collect(deps_.clock.Now(), limit);
  idle_.notify_all();
}

void TargetLoop::Collect(Timestamp slot, Duration time_limit) {
  const SteadyTime start = deps_.clock.Steady();
  Outcome outcome{.at = SampleTime(slot, deps_.clock.Now(), options_.interval)};
  CollectContext context{.clock = deps_.clock, .deadline = start + time_limit};
  writer_.Begin(ToMs(outcome.at));
  outcome.status = source_->Collect(context, writer_);
  outcome.took = std::chrono::duration_cast<Duration>(deps_.clock.Steady() - start);
  outcome.counts = writer_.counts();
  outcome.problems = std::move(context.problems);
  outcome.steps = std::move(context.steps);

  std::vector<PendingSample> batch;
  {
    const MutexLock lock(mutex_);
    batch = Conclude(outcome);
    snapshot_.steps = outcome.steps.empty()
                          ? nullptr
                          : std::make_shared<const std::vector<CollectContext::CollectStep>>(
                                std::move(outcome.steps));
  }
  const CommitReport report = Commit(batch);
  {
    const MutexLock lock(mutex_);
    writer_.Forget(report.gone);
    in_flight_ = false;
  }
  idle_.notify_all();
}

Duration TargetLoop::TimeLimit() const {
  const Duration margin = std::min(options_.interval / 20, kLongestMargin);
  return std::min(options_.timeout, options_.interval - margin);
}

std::vector<PendingSample> TargetLoop::Conclude(const Outcome& outcome) {
  std::vector<PendingSample> batch;
  const bool hurried = std::exchange(hurried_, false);
  if (std::exchange(missed_, false) || phase_ != Phase::kRunning) {
    // Somebody has already spoken about this time; what comes now is too late.
    writer_.Fail(batch);
    return {};
  }
  if (hurried && !outcome.status.ok()) {
    writer_.Abandon();
    return {};
  }
  std::shared_ptr<CollectedPage> page;
  if (outcome.status.ok()) {
    page = writer_.Finish(batch);
  } else {
    writer_.Fail(batch);
    page = std::make_shared<CollectedPage>();
  }
  Report(outcome, *page, batch);
  Remember(outcome);
  page_.Set(std::move(page));
  ++deps_.generation;
  deps_.metrics.duplicates->Increment(static_cast<double>(outcome.counts.duplicates));
  if (!outcome.status.ok() && outcome.status.error().code == ErrorCode::kResourceExhausted) {
    deps_.metrics.over_sample_limit->Increment();
  }
  return batch;
}

std::vector<PendingSample> TargetLoop::MissSlot(Timestamp slot) {
  missed_ = true;
  Outcome outcome{.at = slot, .took = options_.interval};
  outcome.status = TimedOut("the collection before is not over after " +
                            FormatPrometheusDuration(options_.interval));
  std::vector<PendingSample> batch;
  MarkPageStale(ToMs(slot), batch);
  auto page = std::make_shared<CollectedPage>();
  Report(outcome, *page, batch);
  Remember(outcome);
  page_.Set(std::move(page));
  ++deps_.generation;
  return batch;
}

void TargetLoop::Report(const Outcome& outcome, CollectedPage& page,
                        std::vector<PendingSample>& batch) {
  const double up = outcome.status.ok() ? 1 : 0;
  if (outcome.status.ok()) last_success_s_ = ToSeconds(outcome.at);
  std::vector<double> values = {up, ToSeconds(outcome.took),
                                static_cast<double>(outcome.counts.scraped),
                                static_cast<double>(outcome.counts.after_relabeling),
                                static_cast<double>(outcome.counts.series_added)};
  if (options_.up_family.has_value()) values.push_back(up);
  if (options_.built_in) {
    values.insert(values.end(), {up, ToSeconds(outcome.took), last_success_s_});
  }
  if (report_refs_.empty()) {
    for (const auto& family : report_families_) {
      LabelSet labels = options_.series.target_labels;
      labels.Set(kMetricName, family->name);
      if (family->name.starts_with("tocsin_collector_")) labels.Set("collector", options_.pool);
      report_refs_.push_back(deps_.sink.Register(labels));
    }
  }
  for (size_t i = 0; i < report_refs_.size(); ++i) {
    if (report_refs_[i] == kNoSeries) continue;
    page.Add(report_families_[i], report_refs_[i], values[i]);
    batch.push_back(FloatSample(report_refs_[i], ToMs(outcome.at), values[i]));
  }
}

void TargetLoop::MarkPageStale(int64_t t_ms, std::vector<PendingSample>& batch) {
  const std::shared_ptr<const CollectedPage> page = page_.Get();
  if (page == nullptr) return;
  for (size_t i = 0; i < page->collected; ++i) {
    batch.push_back(FloatSample(page->refs[i], t_ms, StaleNan()));
  }
}

void TargetLoop::Remember(const Outcome& outcome) {
  const TargetHealth health = outcome.status.ok() ? TargetHealth::kUp : TargetHealth::kDown;
  std::string error;
  if (!outcome.status.ok()) {
    error = outcome.status.error().message;
  } else {
    for (const std::string& problem : outcome.problems) {
      error += (error.empty() ? "" : "; ") + problem;
    }
  }
  if (error != snapshot_.last_error) {
    const std::string instance(options_.series.target_labels.Get("instance"));
    if (error.empty()) {
      deps_.log.Info("collection works again", {{"pool", options_.pool}, {"target", instance}});
    } else {
      deps_.log.Warn("collection failed",
                     {{"pool", options_.pool}, {"target", instance}, {"err", error}});
    }
  }
  snapshot_.health = health;
  snapshot_.last_error = std::move(error);
  snapshot_.last_scrape = outcome.at;
  snapshot_.last_duration = outcome.took;
  snapshot_.last_samples = outcome.counts.scraped;
  ++snapshot_.collections;
}

CommitReport TargetLoop::Commit(const std::vector<PendingSample>& batch) {
  if (batch.empty()) return {};
  Result<CommitReport> report = deps_.sink.Commit(batch);
  if (!report.ok()) {
    deps_.log.Error("samples lost", {{"pool", options_.pool}, {"err", report.error().message}});
    return {};
  }
  const ScrapeMetrics& metrics = deps_.metrics;
  metrics.duplicates->Increment(static_cast<double>(report->duplicate));
  metrics.out_of_order->Increment(static_cast<double>(report->out_of_order));
  metrics.out_of_bounds->Increment(static_cast<double>(report->out_of_bounds));
  metrics.over_series_limit->Increment(static_cast<double>(report->over_limit));
  return *std::move(report);
}

bool TargetLoop::End(Phase phase) {
  if (phase_ != Phase::kRunning) return false;
  phase_ = phase;
  deps_.scheduler.Cancel(timer_);
  source_->Cancel();
  return true;
}

void TargetLoop::Retire() {
  std::vector<PendingSample> batch;
  {
    const MutexLock lock(mutex_);
    if (!End(Phase::kRetired)) return;
    const int64_t now_ms = ToMs(deps_.clock.Now());
    MarkPageStale(now_ms, batch);
    for (const SeriesRef ref : report_refs_) {
      if (ref != kNoSeries) batch.push_back(FloatSample(ref, now_ms, StaleNan()));
    }
    page_.Set(nullptr);
    ++deps_.generation;
  }
  (void)Commit(batch);
}

std::vector<SeriesRef> TargetLoop::HandOver() {
  const MutexLock lock(mutex_);
  if (!End(Phase::kHandedOver)) return {};
  const std::shared_ptr<const CollectedPage> page = page_.Get();
  if (page == nullptr) return {};
  return {page->refs.begin(), page->refs.begin() + static_cast<ptrdiff_t>(page->collected)};
}

void TargetLoop::Stop() {
  const MutexLock lock(mutex_);
  End(Phase::kStopped);
}

void TargetLoop::Join() {
  MutexLock lock(mutex_);
  idle_.wait(lock, [this]() NO_THREAD_SAFETY_ANALYSIS { return !in_flight_; });
}

void TargetLoop::AwaitIdle(Duration at_most) {
  MutexLock lock(mutex_);
  idle_.wait_for(lock, at_most, [this]() NO_THREAD_SAFETY_ANALYSIS { return !in_flight_; });
}

bool TargetLoop::idle() const {
  const MutexLock lock(mutex_);
  return !in_flight_;
}

TargetSnapshot TargetLoop::Snapshot() const {
  const MutexLock lock(mutex_);
  return snapshot_;
}

}  // namespace tocsin
