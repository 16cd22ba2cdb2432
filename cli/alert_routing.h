// The Alertmanager's routing for commands that say where alerts would go.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/finding.h"
#include "cli/command.h"
#include "config/alertmanager/configuration.h"
#include "rules/lint/lint_settings.h"

namespace tocsin::cli {

constexpr FlagSpec kAlertmanagerConfigFlag = {
    .name = "--alertmanager.config",
    .value = "FILE",
    .help = "The Alertmanager's configuration: where alerts go."};

// The Alertmanager's file as far as it can be read: what Alertmanager refuses in it is an error for
// it, and none for a command that is about rules.
struct AlertmanagerFile {
  // With the routes at least; null when not even these can be read.
  std::shared_ptr<const alertmanager::Configuration> configuration;
  std::vector<Finding> errors;
};
AlertmanagerFile ReadAlertmanagerFile(const FileSystem& files, const std::string& path);

// What the linter asks of it.
lint::AlertRouting RoutingOf(std::shared_ptr<const alertmanager::Configuration> config);

}  // namespace tocsin::cli
