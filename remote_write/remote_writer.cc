#include "remote_write/remote_writer.h"

#include <algorithm>
#include <utility>

namespace tocsin {

RemoteWriter::RemoteWriter(const Dependencies& dependencies)
    : deps_(dependencies), queues_(std::make_shared<const Queues>()) {}

void RemoteWriter::Apply(const Config& config) {
  const std::shared_ptr<const Queues> former = queues_.Get();
  Queues next;
  for (const RemoteWriteConfig& endpoint : config.remote_writes) {
    const auto same = std::ranges::find_if(*former, [&](const auto& queue) {
      return queue->config() == endpoint &&
             queue->external_labels() == config.global.external_labels;
    });
    next.push_back(
        same != former->end()
            ? *same
            : std::make_shared<RemoteQueue>(endpoint, config.global.external_labels,
                                            RemoteQueue::Dependencies{.clock = deps_.clock,
                                                                      .scheduler = deps_.scheduler,
                                                                      .io = deps_.io,
                                                                      .http = deps_.http,
                                                                      .log = deps_.log,
                                                                      .metrics = deps_.metrics,
                                                                      .store = deps_.store}));
  }
  const auto current = std::make_shared<const Queues>(std::move(next));
  queues_.Set(current);
  for (const std::shared_ptr<RemoteQueue>& queue : *former) {
    if (std::ranges::find(*current, queue) == current->end()) queue->Stop(Duration::zero());
  }
}

void RemoteWriter::Stop(Duration at_most) {
  const SteadyTime deadline = deps_.clock.Steady() + at_most;
  for (const std::shared_ptr<RemoteQueue>& queue : *queues_.Get()) {
    const Duration left = std::chrono::duration_cast<Duration>(deadline - deps_.clock.Steady());
    const size_t lost = queue->Stop(std::max(left, Duration::zero()));
    if (lost == 0) continue;
    deps_.log.Warn("samples were not sent before the end",
                   {{"url", UrlWithoutSecrets(queue->config().url)}, {"samples", lost}});
  }
  queues_.Set(std::make_shared<const Queues>());
}

Result<CommitReport> RemoteWriter::Commit(std::span<const PendingSample> batch) {
  Result<CommitReport> report = deps_.store.Commit(batch);
  if (!report.ok()) return report;
  const std::shared_ptr<const Queues> queues = queues_.Get();
  if (queues->empty()) return report;
  if (report->gone.empty()) {
    for (const std::shared_ptr<RemoteQueue>& queue : *queues) queue->Add(batch);
    return report;
  }
  // The writer registers these anew and commits them again.
  std::vector<PendingSample> kept(batch.begin(), batch.end());
  std::erase_if(kept, [&](const PendingSample& sample) {
    return std::ranges::find(report->gone, sample.ref) != report->gone.end();
  });
  for (const std::shared_ptr<RemoteQueue>& queue : *queues) queue->Add(kept);
  return report;
}

}  // namespace tocsin
