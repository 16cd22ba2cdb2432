// The alerts that rule files can send, as far as the files tell.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "cli/command.h"
#include "config/alertmanager/routing.h"

namespace tocsin::cli {

constexpr FlagSpec kRulesFileFlag = {.name = "--rules",
                                     .value = "FILE",
                                     .help = "Rule files (or patterns) whose alerts come here.",
                                     .repeated = true};

// One shape for each alerting rule: its name and the labels that it writes as plain text. A pattern
// without wildcards must be a file.
Result<std::vector<alertmanager::AlertShape>> ReadAlertShapes(
    const FileSystem& files, const std::vector<std::string>& patterns);

}  // namespace tocsin::cli
