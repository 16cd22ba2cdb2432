// Groups of targets as text: what a discovery file holds and an HTTP discovery answers.
// prometheus.io/docs/prometheus/latest/configuration (file_sd_config, http_sd_config).
//
//   [{"targets": ["10.0.0.7:9093"], "labels": {"zone": "b"}}]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/yaml_reader.h"

namespace tocsin {

// A sequence of groups, strictly: unknown fields and addresses that are no host:port are errors
// "file:line:column: …".
Result<std::vector<StaticTargets>> ReadTargetGroups(const YamlNode& list);
// The same in JSON. Errors name the group: "group 2: …".
Result<std::vector<StaticTargets>> ParseJsonTargetGroups(std::string_view text);

}  // namespace tocsin
