// What `validate`, `load` and `gate` take alike: an app's address, headers, and journeys.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "delivery/journey/journey.h"
#include "delivery/journey/journey_runner.h"

namespace tocsin::cli {

constexpr FlagSpec kHeaderFlag = {.name = "--header",
                                  .value = "NAME:VALUE",
                                  .help = "Sent with every request; repeatable.",
                                  .repeated = true};
constexpr FlagSpec kJourneysFlag = {
    .name = "--journeys", .value = "FILE", .help = "A file of user journeys."};
constexpr FlagSpec kJourneyFlag = {.name = "--journey",
                                   .value = "NAME",
                                   .help = "Only this journey; repeatable.",
                                   .repeated = true};
constexpr FlagSpec kInsecureFlag = {.name = "--insecure", .help = "Take any TLS certificate."};

// Reads the file that --journeys names and keeps those that --journey names.
Result<std::vector<delivery::Journey>> ReadJourneys(const Arguments& arguments,
                                                    const FileSystem& files);
// The world of journeys at `address`, from --header, --timeout and --insecure.
Result<delivery::JourneyWorld> MakeJourneyWorld(const std::string& address,
                                                const Arguments& arguments,
                                                const CommandContext& context);
// Different for every call of the program: letters and digits.
std::string RunId(const Clock& clock);

}  // namespace tocsin::cli
