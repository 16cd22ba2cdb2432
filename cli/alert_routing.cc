#include "cli/alert_routing.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "config/alertmanager/routing.h"

namespace tocsin::cli {

AlertmanagerFile ReadAlertmanagerFile(const FileSystem& files, const std::string& path) {
  const Result<std::string> text = files.Read(path);
  if (!text.ok()) return {.errors = FindingsOf(text.error(), path, "alertmanager/syntax")};
  alertmanager::ReadConfiguration read = alertmanager::ParseConfiguration(path, *text);
  AlertmanagerFile file;
  std::ranges::copy_if(read.findings, std::back_inserter(file.errors),
                       [](const Finding& finding) { return finding.severity == Severity::kError; });
  if (read.configuration.root.receiver.empty()) return file;
  file.configuration =
      std::make_shared<const alertmanager::Configuration>(std::move(read.configuration));
  return file;
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
