// Which queues and priority steps a broker has.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace tocsin {

// Only ever learns: an empty queue has no key, and is still a queue.
//
// Not thread-safe.
class QueueFinder {
 public:
  explicit QueueFinder(const CeleryConfig& config);

  // A key of the broker that a scan came by.
  void SeeKey(std::string_view key);
  // A member of the binding set `key`: routing key, pattern and queue.
  void SeeBinding(std::string_view member);

  // A queue that something else told of.
  void SeeQueue(std::string_view name) { AddQueue(name); }

  // Whether the broker itself told of anything.
  bool found_any() const { return found_any_; }
  // The binding sets seen so far, as keys.
  const std::set<std::string>& bindings() const { return bindings_; }
  const std::set<std::string>& queues() const { return queues_; }
  const std::set<int>& steps() const { return steps_; }
  // The list that holds a queue's messages of one priority step.
  std::string ListKey(const std::string& queue, int step) const;

 private:
  bool AddQueue(std::string_view name);

  const std::string separator_;
  const std::string prefix_;
  std::set<std::string> bindings_;
  std::set<std::string> queues_;
  std::set<int> steps_;
  bool found_any_ = false;
};

}  // namespace tocsin
