#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "cli/allocator.h"
#include "cli/build_info.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace {

void WriteTo(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

// Waiting that SIGINT and SIGTERM end, so that a command tells what it has found so far. They are
// taken from the first wait on: a command that never waits ends by them as any program does, and so
// does one that is told twice.
std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void HeedInterrupts() {
  static const bool done = [] {
    struct sigaction action = {};
    action.sa_handler = [](int) { interrupted = true; };
    action.sa_flags = SA_RESETHAND;
    for (const int number : {SIGINT, SIGTERM}) sigaction(number, &action, nullptr);
    return true;
  }();
  static_cast<void>(done);
}

bool SleepUntil(tocsin::SteadyTime time) {
  constexpr std::chrono::milliseconds kAttention(100);
  HeedInterrupts();
  while (!interrupted) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= time) return true;
    std::this_thread::sleep_until(std::min<tocsin::SteadyTime>(time, now + kAttention));
  }
  return false;
}

std::optional<std::string> Variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

int main(int argc, char** argv) {
  tocsin::cli::TuneAllocator();
  const tocsin::SystemClock clock;
  tocsin::RealFileSystem files;
  const std::unique_ptr<tocsin::HttpClient> http =
      tocsin::MakeCurlHttpClient("tocsin/" + std::string(tocsin::cli::BuildVersion()));
  tocsin::cli::CommandContext context{
      .clock = clock,
      .files = files,
      .http = *http,
      .environment = &Variable,
      .out = [](std::string_view text) { WriteTo(stdout, text); },
      .err = [](std::string_view text) { WriteTo(stderr, text); },
      .pause =
          [](tocsin::Duration time) { return SleepUntil(std::chrono::steady_clock::now() + time); },
      .sleep_until = &SleepUntil,
      .colors = tocsin::cli::WantsColors(STDOUT_FILENO, &Variable),
      .progress = tocsin::cli::IsTerminal(STDERR_FILENO, &Variable),
  };
  return tocsin::cli::RunCommandLine({argv + 1, argv + argc}, context);
}
