// The Alertmanager's routing for commands that say where alerts would go.
#pragma once

#include <memory>
#include <string>

#include "base/files.h"
#include "base/result.h"
#include "cli/command.h"
#include "config/alertmanager/configuration.h"
#include "rules/lint/lint_settings.h"

namespace tocsin::cli {

constexpr FlagSpec kAlertmanagerConfigFlag = {
    .name = "--alertmanager.config",
    .value = "FILE",
    .help = "The Alertmanager's configuration: where alerts go."};

// Errors name all that is wrong with the file.
Result<std::shared_ptr<const alertmanager::Configuration>> ReadAlertmanagerConfig(
    const FileSystem& files, const std::string& path);

// What the linter asks of it.
lint::AlertRouting RoutingOf(std::shared_ptr<const alertmanager::Configuration> config);

}  // namespace tocsin::cli
