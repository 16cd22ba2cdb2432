#include "cli/journey_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/server_client.h"

namespace tocsin::cli {
namespace {

Result<std::pair<std::string, std::string>> ReadHeader(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return InvalidArgument("--header: write NAME:VALUE");
  }
  const size_t value = std::min(text.find_first_not_of(' ', colon + 1), text.size());
  return std::pair(text.substr(0, colon), text.substr(value));
}

}  // namespace

Result<std::vector<delivery::Journey>> ReadJourneys(const Arguments& arguments,
                                                    const FileSystem& files) {
  const std::string& file = arguments.Text("--journeys");
  ASSIGN_OR_RETURN(const std::string text, files.Read(file));
  ASSIGN_OR_RETURN(const std::vector<delivery::Journey> journeys,
                   delivery::ParseJourneys(file, text));
  return delivery::ChooseJourneys(journeys, arguments.All("--journey"), file);
}

Result<delivery::JourneyWorld> MakeJourneyWorld(const std::string& address,
                                                const Arguments& arguments,
                                                const CommandContext& context) {
  delivery::JourneyWorld world{.clock = context.clock,
                               .http = context.http,
                               .pause = context.pause,
                               .base_url = NormalServerUrl(address)};
  ASSIGN_OR_RETURN(world.timeout, arguments.DurationOf("--timeout"));
  world.tls.insecure_skip_verify = arguments.Switch("--insecure");
  for (const std::string& text : arguments.All("--header")) {
    ASSIGN_OR_RETURN(auto header, ReadHeader(text));
    world.headers.push_back(std::move(header));
  }
  return world;
}

std::string RunId(const Clock& clock) { return fmt::format("{:x}", ToMs(clock.Now())); }

}  // namespace tocsin::cli
