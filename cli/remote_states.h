// The state of alerts from another server, for a start without the own journal and store.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/http_client.h"
#include "rules/state_restore.h"

namespace tocsin::cli {

// Asks the Prometheus-compatible server at `url`, to which the series ALERTS_FOR_STATE were sent by
// remote write or which evaluates the same rules. An alert that had ended is told from one that was
// active when nobody looked any more by its staleness marker, which is looked for one interval
// after its last sample. Both arguments outlive the result. Empty for an empty `url`.
RemoteStates AskForStates(HttpClient& http, const Clock& clock, const std::string& url);

}  // namespace tocsin::cli
