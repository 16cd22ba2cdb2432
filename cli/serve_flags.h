// The flags of `tocsin serve`, named as Prometheus names them.
#pragma once

#include <span>

#include "base/log.h"
#include "base/result.h"
#include "cli/app.h"
#include "cli/command.h"

namespace tocsin::cli {

std::span<const FlagSpec> ServeFlags();

struct ServeOptions {
  AppOptions app;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

Result<ServeOptions> ReadServeFlags(const Arguments& arguments);

}  // namespace tocsin::cli
