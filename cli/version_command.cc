#include <fmt/core.h>

#include "cli/build_info.h"
#include "cli/commands.h"

namespace tocsin::cli {
namespace {

int RunVersion(const Arguments& /*arguments*/, CommandContext& context) {
  context.out(fmt::format("tocsin {} (revision {})\n", BuildVersion(), BuildRevision()));
  return kExitOk;
}

}  // namespace

const CommandSpec kVersionCommand = {
    .name = "version",
    .summary = "Print the version and the revision it was built from.",
    .examples = "tocsin version",
    .run = &RunVersion,
};

}  // namespace tocsin::cli
