#include "exporters/celery/celery_events.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "exporters/celery/celery_families.h"
#include "exporters/family_index.h"
#include "exporters/text_scan.h"

namespace tocsin {

constexpr std::string_view kOther = "_other";

// One row per kind of event: what it is called, how it is counted, and whether the task is over.
struct CeleryKinds {
  using Kind = CeleryEvents::Kind;
  struct Row {
    Kind kind;
    std::string_view event;
    const FamilySpec& family;
    std::string_view state;  // in celery_tasks_total and celery_tasks
    bool final;
  };
  static constexpr Row kRows[CeleryEvents::kKinds] = {
      {Kind::kSent, "task-sent", CeleryFamily("celery_task_sent_total"), "SENT", false},
      {Kind::kReceived, "task-received", CeleryFamily("celery_task_received_total"), "RECEIVED",
       false},
      {Kind::kStarted, "task-started", CeleryFamily("celery_task_started_total"), "STARTED", false},
      {Kind::kSucceeded, "task-succeeded", CeleryFamily("celery_task_succeeded_total"), "SUCCESS",
       true},
      {Kind::kFailed, "task-failed", CeleryFamily("celery_task_failed_total"), "FAILURE", true},
      {Kind::kRejected, "task-rejected", CeleryFamily("celery_task_rejected_total"), "REJECTED",
       true},
      {Kind::kRevoked, "task-revoked", CeleryFamily("celery_task_revoked_total"), "REVOKED", true},
      {Kind::kRetried, "task-retried", CeleryFamily("celery_task_retried_total"), "RETRY", false},
  };
  static size_t Index(Kind kind) { return static_cast<size_t>(kind); }
};

namespace {

using Bounds = std::array<std::string_view, CeleryHistogram::kBounds>;
// As the exporters that people replace have them, with their texts.
constexpr Bounds kRuntimeBounds = {"0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25",
                                   "0.5",   "0.75", "1.0",   "2.5",  "5.0",   "7.5", "10.0"};
constexpr Bounds kWaitBounds = {"0.05", "0.1",  "0.25", "0.5",   "1.0",   "2.5",   "5.0",
                                "10.0", "30.0", "60.0", "120.0", "300.0", "600.0", "1800.0"};

void WriteBuckets(const FamilySpec& family, std::vector<MetricSink::LabelView> labels,
                  const CeleryHistogram& histogram, const Bounds& bounds, MetricSink& sink) {
  labels.emplace_back("le", "");
  double below = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    below += histogram.buckets[i];
    labels.back().second = bounds[i];
    sink.WriteSuffixed(family, "_bucket", labels, below);
  }
  labels.back().second = "+Inf";
  sink.WriteSuffixed(family, "_bucket", labels, histogram.count);
  labels.pop_back();
  sink.WriteSuffixed(family, "_count", labels, histogram.count);
  sink.WriteSuffixed(family, "_sum", labels, histogram.sum);
}

void WriteJson(const CeleryHistogram& histogram, JsonWriter& json) {
  json.BeginArray().Double(histogram.count).Double(histogram.sum);
  for (const double bucket : histogram.buckets) json.Double(bucket);
  json.EndArray();
}

bool ReadJson(const JsonValue* value, CeleryHistogram& histogram) {
  const JsonValue::Array* numbers = value == nullptr ? nullptr : value->AsArray();
  if (numbers == nullptr || numbers->size() != CeleryHistogram::kBounds + 2) return false;
  const auto number = [&](size_t i) {
    const double* read = (*numbers)[i].AsNumber();
    return read == nullptr ? 0 : *read;
  };
  histogram.count += number(0);
  histogram.sum += number(1);
  for (size_t i = 0; i < histogram.buckets.size(); ++i) histogram.buckets[i] += number(i + 2);
  return true;
}

std::string TextOf(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  return value == nullptr ? "" : std::string(value->TextOrEmpty());
}

}  // namespace

void CeleryHistogram::Observe(const Bounds& bounds, double value) {
  ++count;
  sum += value;
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (value > NumberOrZero(bounds[i])) continue;
    ++buckets[i];
    return;
  }
}

void CeleryHistogram::Add(const CeleryHistogram& other) {
  count += other.count;
  sum += other.sum;
  for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
}

CeleryEvents::CeleryEvents(CeleryEventLimits limits) : limits_(limits) {}
CeleryEvents::~CeleryEvents() = default;

void CeleryEvents::Apply(const CeleryEvent& event, double now_s) {
  if (event.type.starts_with("worker-")) return ApplyWorker(event, now_s);
  for (const CeleryKinds::Row& row : CeleryKinds::kRows) {
    if (row.event != event.type) continue;
    if (Hold(row.kind, event, now_s)) return;
    ApplyTask(row.kind, event);
    if (row.kind != Kind::kSent) return;
    if (auto held = held_.extract(event.uuid); !held.empty()) {
      for (const CeleryEvent& earlier : held.mapped().events) ApplyNow(earlier);
    }
    return;
  }
}

void CeleryEvents::ApplyNow(const CeleryEvent& event) {
  const auto row = std::ranges::find(CeleryKinds::kRows, event.type, &CeleryKinds::Row::event);
  ApplyTask(row->kind, event);
}

bool CeleryEvents::Hold(Kind kind, const CeleryEvent& event, double now_s) {
  const bool useless = limits_.patience_s <= 0 || (producers_silent_ && !producers_tell_);
  if (kind == Kind::kSent || !event.queue.empty() || useless) return false;
  const auto task = by_uuid_.find(event.uuid);
  if (task != by_uuid_.end() && !task->second->queue.empty()) return false;
  const auto held = held_.find(event.uuid);
  if (held == held_.end()) {
    // What is known of the task was counted without a queue, and the rest goes with it.
    if (task != by_uuid_.end() || held_.size() >= limits_.tracked_tasks) return false;
    held_[event.uuid] = {.since_s = now_s, .events = {event}};
    return true;
  }
  constexpr size_t kMostOfOneTask = 100;
  if (held->second.events.size() >= kMostOfOneTask) return false;
  held->second.events.push_back(event);
  return true;
}

void CeleryEvents::ReleaseHeld(double now_s) {
  for (auto held = held_.begin(); held != held_.end();) {
    if (std::abs(now_s - held->second.since_s) < limits_.patience_s) {
      ++held;
      continue;
    }
    producers_silent_ = true;
    for (const CeleryEvent& event : held->second.events) ApplyNow(event);
    held = held_.erase(held);
  }
}

void CeleryEvents::ApplyWorker(const CeleryEvent& event, double now_s) {
  if (event.node.empty()) return;
  if (workers_.size() >= limits_.workers && !workers_.contains(event.node)) return;
  Worker& worker = workers_[event.node];
  worker.seen_s = now_s;
  worker.offline = event.type == "worker-offline";
  worker.active = event.active;
  worker.processed = event.processed;
  // Workers come and go under ever new names where they live in containers.
  std::erase_if(workers_, [&](const auto& entry) {
    return now_s - entry.second.seen_s > limits_.worker_timeout_s + limits_.worker_forget_s;
  });
}

void CeleryEvents::ApplyTask(Kind kind, const CeleryEvent& event) {
  ++changes_;
  Task& task = Track(event);
  Series& series = SeriesOf(task, event.host);
  ++series.counts[CeleryKinds::Index(kind)];
  series.of_worker = series.of_worker || kind != Kind::kSent;
  switch (kind) {
    case Kind::kSent:
      producers_tell_ = true;
      task.sent = event.timestamp;
      task.due = std::max(event.timestamp, event.eta.value_or(0));
      // A worker may be heard before the producer: then the task is further than "sent".
      if (task.stage == Stage::kRetry) task.stage = Stage::kWaiting;
      if (!event.queue.empty() && queues_.size() < limits_.series) queues_.insert(event.queue);
      return;
    case Kind::kReceived:
      task.received = event.timestamp;
      task.stage = Stage::kReceived;
      return;
    case Kind::kStarted:
      return Started(event, task, series);
    case Kind::kRetried:
      task.stage = Stage::kRetry;
      return;
    case Kind::kSucceeded:
      if (series.runtime == nullptr) series.runtime = std::make_unique<CeleryHistogram>();
      series.runtime->Observe(kRuntimeBounds, event.runtime);
      break;
    case Kind::kFailed: {
      const bool room = exceptions_.size() < limits_.exceptions;
      if (room) exceptions_.insert(event.exception);
      const bool known = exceptions_.contains(event.exception);
      ++series.failures[known ? event.exception : std::string(kOther)];
      break;
    }
    case Kind::kRejected:
    case Kind::kRevoked:
      break;
  }
  Untrack(event.uuid);
}

void CeleryEvents::Started(const CeleryEvent& event, Task& task, Series& series) {
  task.stage = Stage::kStarted;
  if (task.received > 0) {
    latency_.Observe(kRuntimeBounds, std::max(0.0, event.timestamp - task.received));
  }
  if (task.sent == 0) return;
  if (series.wait == nullptr) series.wait = std::make_unique<CeleryHistogram>();
  // Two clocks: the producer's and the worker's.
  series.wait->Observe(kWaitBounds, std::max(0.0, event.timestamp - task.due));
}

CeleryEvents::Task& CeleryEvents::Track(const CeleryEvent& event) {
  const auto known = by_uuid_.find(event.uuid);
  if (known != by_uuid_.end()) {
    tasks_.splice(tasks_.end(), tasks_, known->second);
  } else {
    if (tasks_.size() >= limits_.tracked_tasks) {
      by_uuid_.erase(tasks_.front().uuid);
      tasks_.pop_front();
    }
    tasks_.push_back({.uuid = event.uuid});
    by_uuid_.emplace(event.uuid, std::prev(tasks_.end()));
  }
  Task& task = tasks_.back();
  if (!event.name.empty()) task.name = event.name;
  if (!event.queue.empty()) task.queue = event.queue;
  return task;
}

void CeleryEvents::Untrack(const std::string& uuid) {
  const auto known = by_uuid_.find(uuid);
  if (known == by_uuid_.end()) return;
  tasks_.erase(known->second);
  by_uuid_.erase(known);
}

CeleryEvents::Series& CeleryEvents::SeriesOf(const Task& task, const std::string& host) {
  SeriesKey key{task.name, host, task.queue};
  const auto known = series_.find(key);
  if (known != series_.end()) return known->second;
  if (series_.size() < limits_.series) return series_[std::move(key)];
  const std::string other(kOther);
  return series_[{other, other, other}];
}

std::optional<double> CeleryEvents::SentAt(const std::string& uuid) const {
  const auto known = by_uuid_.find(uuid);
  if (known == by_uuid_.end() || known->second->sent == 0) return std::nullopt;
  return known->second->due;
}

void CeleryEvents::Write(double now_s, MetricSink& sink) const {
  WriteCounters(sink);
  WriteHistogram("celery_task_queue_wait_time", &Series::wait, kWaitBounds, sink);
  WriteHistogram("celery_task_runtime", &Series::runtime, kRuntimeBounds, sink);
  WriteWorkers(now_s, sink);
}

// A counter that has not moved is shown as 0, so that the first failure is a rise and not a birth.
void CeleryEvents::WriteCounters(MetricSink& sink) const {
  for (const CeleryKinds::Row& row : CeleryKinds::kRows) {
    for (const auto& [key, series] : series_) {
      const double count = series.counts[CeleryKinds::Index(row.kind)];
      const bool shown = row.kind == Kind::kSent ? count > 0 : series.of_worker;
      if (!shown) continue;
      std::vector<MetricSink::LabelView> labels = {
          {"hostname", key.host}, {"name", key.name}, {"queue_name", key.queue}};
      if (row.kind != Kind::kFailed) {
        sink.Write(row.family, labels, count);
        continue;
      }
      if (!series.failures.contains("")) sink.Write(row.family, labels, 0);
      labels.emplace_back("exception", "");
      for (const auto& [exception, failures] : series.failures) {
        labels.back().second = exception;
        sink.Write(row.family, labels, failures);
      }
    }
  }
}

void CeleryEvents::WriteHistogram(std::string_view family,
                                  std::unique_ptr<CeleryHistogram> Series::*which,
                                  const Bounds& bounds, MetricSink& sink) const {
  const FamilySpec& spec = *FamilyNamed(kCeleryFamilies, family);
  for (const auto& [key, series] : series_) {
    const CeleryHistogram* histogram = (series.*which).get();
    if (histogram == nullptr) continue;
    WriteBuckets(spec, {{"hostname", key.host}, {"name", key.name}, {"queue_name", key.queue}},
                 *histogram, bounds, sink);
  }
}

bool CeleryEvents::IsUp(const Worker& worker, double now_s) const {
  return !worker.offline && now_s - worker.seen_s <= limits_.worker_timeout_s;
}

// By host, as the peers do: several workers of one host count together.
void CeleryEvents::WriteWorkers(double now_s, MetricSink& sink) const {
  struct Host {
    double up = 0, active = 0, processed = 0;
  };
  std::map<std::string, Host> hosts;
  for (const auto& [node, worker] : workers_) {
    if (now_s - worker.seen_s > limits_.worker_timeout_s + limits_.worker_forget_s) continue;
    Host& host = hosts[node.substr(node.find('@') + 1)];
    if (IsUp(worker, now_s)) {
      host.up = 1;
      host.active += worker.active;
    }
    host.processed += worker.processed;
  }
  for (const auto& [name, host] : hosts) {
    sink.Write(CeleryFamily("celery_worker_tasks_active"), {{"hostname", name}}, host.active);
  }
  for (const auto& [name, host] : hosts) {
    sink.Write(CeleryFamily("celery_worker_tasks_processed_total"), {{"hostname", name}},
               host.processed);
  }
  for (const auto& [name, host] : hosts) {
    sink.Write(CeleryFamily("celery_worker_up"), {{"hostname", name}}, host.up);
  }
}

void CeleryEvents::WriteAliases(double now_s, double waiting, MetricSink& sink) const {
  std::array<double, kKinds> all{};
  std::map<std::string, std::array<double, kKinds>> by_name;
  std::map<std::string, CeleryHistogram> runtimes;
  for (const auto& [key, series] : series_) {
    std::array<double, kKinds>& counts = by_name[key.name];
    for (size_t i = 0; i < kKinds; ++i) {
      counts[i] += series.counts[i];
      all[i] += series.counts[i];
    }
    if (series.runtime != nullptr) runtimes[key.name].Add(*series.runtime);
  }
  const auto count = [](const std::array<double, kKinds>& counts, Kind kind) {
    return counts[CeleryKinds::Index(kind)];
  };
  std::array<double, kStages> all_stages{};
  std::map<std::string_view, std::array<double, kStages>> stages_by_name;
  for (const Task& task : tasks_) {
    ++all_stages[static_cast<size_t>(task.stage)];
    ++stages_by_name[task.name][static_cast<size_t>(task.stage)];
  }
  // The states that a task is in for a while are counted now, the last ones since the start.
  const auto write = [&](const FamilySpec& family, const std::string* name,
                         const std::array<double, kKinds>& counts,
                         const std::array<double, kStages>& stages) {
    const std::pair<std::string_view, double> states[] = {
        {"RECEIVED", stages[1]},
        {"STARTED", stages[2]},
        {"RETRY", stages[3]},
        {"SUCCESS", count(counts, Kind::kSucceeded)},
        {"FAILURE", count(counts, Kind::kFailed)},
        {"REVOKED", count(counts, Kind::kRevoked)}};
    for (const auto& [state, value] : states) {
      if (name == nullptr) {
        sink.Write(family, {{"state", state}}, value);
      } else {
        sink.Write(family, {{"name", *name}, {"state", state}}, value);
      }
    }
  };
  WriteBuckets(CeleryFamily("celery_task_latency"), {}, latency_, kRuntimeBounds, sink);
  sink.Write(CeleryFamily("celery_tasks"), {{"state", "PENDING"}}, waiting);
  write(CeleryFamily("celery_tasks"), nullptr, all, all_stages);
  for (const auto& [name, counts] : by_name) {
    write(CeleryFamily("celery_tasks_by_name"), &name, counts, stages_by_name[name]);
  }
  for (const auto& [name, histogram] : runtimes) {
    WriteBuckets(CeleryFamily("celery_tasks_runtime_seconds"), {{"name", name}}, histogram,
                 kRuntimeBounds, sink);
  }
  sink.Write(CeleryFamily("celery_tasks_total"), {{"state", "PENDING"}}, waiting);
  for (const CeleryKinds::Row& row : CeleryKinds::kRows) {
    sink.Write(CeleryFamily("celery_tasks_total"), {{"state", row.state}}, count(all, row.kind));
  }
  const auto up =
      std::ranges::count_if(workers_, [&](const auto& entry) { return IsUp(entry.second, now_s); });
  sink.Write(CeleryFamily("celery_workers"), static_cast<double>(up));
}

std::string CeleryEvents::Save() const {
  JsonWriter json;
  json.BeginObject().Field("version", 1).Key("latency");
  WriteJson(latency_, json);
  json.Key("series").BeginArray();
  for (const auto& [key, series] : series_) {
    json.BeginObject().Field("name", key.name).Field("host", key.host).Field("queue", key.queue);
    json.Field("of_worker", series.of_worker).Key("counts").BeginArray();
    for (const double count : series.counts) json.Double(count);
    json.EndArray().Key("failures").BeginObject();
    for (const auto& [exception, count] : series.failures) json.Field(exception, count);
    json.EndObject();
    if (series.runtime != nullptr) WriteJson(*series.runtime, json.Key("runtime"));
    if (series.wait != nullptr) WriteJson(*series.wait, json.Key("wait"));
    json.EndObject();
  }
  json.EndArray().EndObject();
  return json.Take();
}

Status CeleryEvents::Restore(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonValue saved, JsonValue::Parse(text));
  const JsonValue* many = saved.Find("series");
  const JsonValue::Array* rows = many == nullptr ? nullptr : many->AsArray();
  if (rows == nullptr) return InvalidArgument("these are no saved counters");
  (void)ReadJson(saved.Find("latency"), latency_);
  for (const JsonValue& row : *rows) {
    if (series_.size() >= limits_.series) break;
    Series& series = series_[{TextOf(row, "name"), TextOf(row, "host"), TextOf(row, "queue")}];
    const JsonValue* worker = row.Find("of_worker");
    series.of_worker = worker != nullptr && worker->AsBool() != nullptr && *worker->AsBool();
    const JsonValue* counts = row.Find("counts");
    if (counts == nullptr || counts->AsArray() == nullptr) continue;
    for (size_t i = 0; i < std::min(kKinds, counts->AsArray()->size()); ++i) {
      if (const double* count = (*counts->AsArray())[i].AsNumber()) series.counts[i] += *count;
    }
    producers_tell_ = producers_tell_ || series.counts[CeleryKinds::Index(Kind::kSent)] > 0;
    const JsonValue* failures = row.Find("failures");
    if (failures != nullptr && failures->AsObject() != nullptr) {
      for (const auto& [exception, count] : *failures->AsObject()) {
        if (count.AsNumber() == nullptr) continue;
        if (exceptions_.size() < limits_.exceptions) exceptions_.insert(exception);
        series.failures[exception] += *count.AsNumber();
      }
    }
    for (const auto& [key, which] :
         {std::pair("runtime", &Series::runtime), std::pair("wait", &Series::wait)}) {
      CeleryHistogram histogram;
      if (!ReadJson(row.Find(key), histogram)) continue;
      series.*which = std::make_unique<CeleryHistogram>(histogram);
    }
    const std::string queue = TextOf(row, "queue");
    if (!queue.empty() && queue != kOther) queues_.insert(queue);
  }
  return Ok();
}

}  // namespace tocsin
