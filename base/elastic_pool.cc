#include "base/elastic_pool.h"

#include <pthread.h>

#include <utility>

namespace tocsin {

ElasticPool::ElasticPool(const std::string& name, size_t max_threads)
    : name_(name.substr(0, 15)), max_threads_(max_threads) {
  threads_.reserve(max_threads);
}

ElasticPool::~ElasticPool() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  wake_.notify_all();
}

void ElasticPool::Post(Task task) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    queue_.push_back(std::move(task));
    if (queue_.size() > idle_ && threads_.size() < max_threads_) {
      threads_.emplace_back([this] { Run(); });
      pthread_setname_np(threads_.back().native_handle(), name_.c_str());
    }
  }
  wake_.notify_one();
}

size_t ElasticPool::threads() const {
  const MutexLock lock(mutex_);
  return threads_.size();
}

void ElasticPool::Run() {
  while (true) {
    Task task;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (queue_.empty() && !stopping_) wake_.wait(lock);
      --idle_;
      if (stopping_) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace tocsin
