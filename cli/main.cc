#include <unistd.h>
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
          [](tocsin::Duration time) {
            std::this_thread::sleep_for(time);
            return true;
          },
      .sleep_until =
          [](tocsin::SteadyTime time) {
            std::this_thread::sleep_until(time);
            return true;
          },
      .colors = tocsin::cli::WantsColors(STDOUT_FILENO, &Variable),
      .progress = tocsin::cli::IsTerminal(STDERR_FILENO, &Variable),
  };
  return tocsin::cli::RunCommandLine({argv + 1, argv + argc}, context);
}
