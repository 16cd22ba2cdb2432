#include "exporters/celery/queue_finder.h"

#include <charconv>
#include <optional>

namespace tocsin {
namespace {

// kombu's own separator within bindings, whatever the queues' one is.
constexpr std::string_view kBindingSeparator = "\x06\x16";
constexpr std::string_view kBindingPrefix = "_kombu.binding.";
// What a hostile or strange broker may make us watch.
constexpr size_t kMaxQueues = 1000;
constexpr int kMaxStep = 255;

std::optional<int> ReadStep(std::string_view text) {
  int step = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc() || last != text.data() + text.size() || step < 0 || step > kMaxStep) {
    return std::nullopt;
  }
  return step;
}

// Exchanges of remote control and events: their queues come and go with every worker.
bool IsInternal(std::string_view exchange) {
  return exchange == "celeryev" || exchange.ends_with("pidbox");
}

}  // namespace

QueueFinder::QueueFinder(const CeleryConfig& config)
    : separator_(config.separator), prefix_(config.global_keyprefix) {
  for (const std::string& queue : config.queues) queues_.insert(queue);
  if (config.queues.empty()) queues_.insert("celery");
  for (int step = 0; step <= 9; ++step) steps_.insert(step);
  steps_.insert(config.priority_steps.begin(), config.priority_steps.end());
  bindings_.insert(prefix_ + "_kombu.binding.celery");
}

bool QueueFinder::AddQueue(std::string_view name) {
  if (name.empty() || queues_.size() >= kMaxQueues) return false;
  if (name.ends_with(".pidbox") || name.starts_with("celeryev.")) return false;
  queues_.emplace(name);
  return true;
}

void QueueFinder::SeeKey(std::string_view key) {
  if (!key.starts_with(prefix_)) return;
  const std::string_view name = key.substr(prefix_.size());
  if (name.starts_with(kBindingPrefix)) {
    if (!IsInternal(name.substr(kBindingPrefix.size())) && bindings_.size() < kMaxQueues) {
      bindings_.emplace(key);
    }
    return;
  }
  const size_t at = name.rfind(separator_);
  if (at == std::string_view::npos) return;
  const std::optional<int> step = ReadStep(name.substr(at + separator_.size()));
  if (step && AddQueue(name.substr(0, at))) {
    steps_.insert(*step);
    found_any_ = true;
  }
}

void QueueFinder::SeeBinding(std::string_view member) {
  const size_t at = member.rfind(kBindingSeparator);
  if (at == std::string_view::npos) return;
  if (AddQueue(member.substr(at + kBindingSeparator.size()))) found_any_ = true;
}

std::string QueueFinder::ListKey(const std::string& queue, int step) const {
  if (step == 0) return prefix_ + queue;
  return prefix_ + queue + separator_ + std::to_string(step);
}

}  // namespace tocsin
