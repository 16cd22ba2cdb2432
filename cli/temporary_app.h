// A process in small: collects for a while, serves and tells nobody, and leaves nothing behind.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "engine/storage/querier.h"

namespace tocsin::cli {

class TemporaryApp {
 public:
  // Collects as the configuration says ("": what the environment names), without its rules and
  // Alertmanagers.
  static Result<std::unique_ptr<TemporaryApp>> Start(const std::string& config_file,
                                                     CommandContext& context);
  ~TemporaryApp();

  const Querier& querier() const;

 private:
  struct Parts;
  explicit TemporaryApp(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tocsin::cli
