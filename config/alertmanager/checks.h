// What Alertmanager loads without a word and what yet does not work: judged by the alerts that the
// rules can send.
#pragma once

#include <vector>

#include "base/finding.h"
#include "config/alertmanager/configuration.h"
#include "config/alertmanager/routing.h"

namespace tocsin::alertmanager {

// Without shapes, what depends on the alerts is not judged.
std::vector<Finding> CheckConfiguration(const Configuration& configuration,
                                        const std::vector<AlertShape>& alerts);

}  // namespace tocsin::alertmanager
