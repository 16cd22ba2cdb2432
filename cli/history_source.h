// Where commands that look at the past read samples from: a server, or a file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "engine/storage/head.h"
#include "engine/storage/querier.h"
#include "engine/storage/remote_write.h"

namespace tocsin::cli {

constexpr FlagSpec kInputFlag = {
    .name = "--input",
    .value = "FILE",
    .help = "Samples in OpenMetrics or Prometheus text instead of a server."};

// Samples and the times that they cover.
struct History {
  std::unique_ptr<Querier> querier;
  // The oldest and the newest sample of a file; the last hour of a server.
  Timestamp first{};
  Timestamp last{};
  bool is_remote = false;  // each selection is a request to a server
};

// An empty store for what rules write over a history; times of any age are taken.
std::unique_ptr<Head> EmptyStore(const Clock& clock);

// The samples of a file in OpenMetrics or Prometheus text, each series by time. Samples without a
// time are of now.
Result<std::vector<WrittenSeries>> ReadSampleFile(const std::string& path, CommandContext& context);

// The file of --input, or the server of --server. Lines of a file that have no timestamp are
// samples of now.
Result<History> OpenHistory(const Arguments& arguments, CommandContext& context);

// RFC 3339, seconds since the epoch, or "-2h": so long before `now`.
Result<Timestamp> ParseTimeArgument(std::string_view text, Timestamp now);

}  // namespace tocsin::cli
