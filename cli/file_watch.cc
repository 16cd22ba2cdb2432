#include "cli/file_watch.h"

#include <cstdint>
#include <utility>

#include "base/hash.h"

namespace tocsin::cli {

struct FileWatch::State {
  explicit State(Dependencies of_watch) : dependencies(std::move(of_watch)), seen(Digest()) {}

  uint64_t Digest() const {
    uint64_t digest = 0;
    for (const std::string& pattern : dependencies.patterns()) {
      digest = Hash64(pattern, digest);
      for (const std::string& path : dependencies.files.Glob(pattern)) {
        const Result<std::string> text = dependencies.files.Read(path);
        digest = Hash64(path, digest);
        digest = Hash64(text.ok() ? *text : text.error().message, digest);
      }
    }
    return digest;
  }

  void Look() {
    const std::vector<std::string> before = dependencies.patterns();
    const uint64_t digest = Digest();
    if (std::exchange(seen, digest) == digest) return;
    dependencies.changed();
    // Else what changes while it is being read would not be seen.
    if (dependencies.patterns() != before) seen = Digest();
  }

  const Dependencies dependencies;
  uint64_t seen = 0;
};

FileWatch::FileWatch(Duration interval, Dependencies dependencies)
    : state_(std::make_shared<State>(dependencies)),
      task_(interval, dependencies.scheduler, dependencies.executor,
            [state = state_] { state->Look(); }) {}

FileWatch::~FileWatch() = default;

}  // namespace tocsin::cli
