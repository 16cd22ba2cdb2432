#include "base/large_stack.h"

#include <pthread.h>

namespace tocsin {
namespace {

constexpr size_t kStackBytes = 16 << 20;

void* Run(void* work) {
  (*static_cast<const std::function<void()>*>(work))();
  return nullptr;
}

}  // namespace

void RunOnLargeStack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_t thread{};
  const bool made =
      pthread_create(&thread, &attributes, &Run, const_cast<std::function<void()>*>(&work)) == 0;
  pthread_attr_destroy(&attributes);
  if (made) {
    pthread_join(thread, nullptr);
  } else {
    work();
  }
}

}  // namespace tocsin
