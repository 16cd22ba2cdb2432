#include "cli/alert_routing.h"

#include <fmt/core.h>

#include <utility>

#include "config/alertmanager/routing.h"

namespace tocsin::cli {

Result<std::shared_ptr<const alertmanager::Configuration>> ReadAlertmanagerConfig(
    const FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, files.Read(path));
  alertmanager::ReadConfiguration read = alertmanager::ParseConfiguration(path, text);
  if (read.ok()) {
    return std::make_shared<const alertmanager::Configuration>(std::move(read.configuration));
  }
  std::string message;
  for (const Finding& finding : read.findings) {
    if (finding.severity != Severity::kError) continue;
    message += fmt::format("{}{}:{}:{}: {}", message.empty() ? "" : "\n", finding.file,
                           finding.line, finding.column, finding.message);
  }
  return InvalidArgument(std::move(message));
}

lint::AlertRouting RoutingOf(std::shared_ptr<const alertmanager::Configuration> config) {
  lint::AlertRouting routing{.file = config->path, .default_receiver = config->root.receiver};
  for (const alertmanager::InhibitRule& rule : config->inhibit_rules) {
    routing.inhibitions.push_back({.line = rule.place.line,
                                   .source = rule.source,
                                   .target = rule.target,
                                   .equal = rule.equal});
  }
  routing.receivers = [config = std::move(config)](const LabelSet& labels) {
    return alertmanager::ReceiversOf(alertmanager::RoutesFor(config->root, labels));
  };
  return routing;
}

}  // namespace tocsin::cli
