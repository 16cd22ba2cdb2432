// docker-compose.yml, as far as it tells what a stack is made of.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tocsin::cli {

struct ComposeService {
  std::string name;
  std::string image;
  std::string command;
  std::optional<double> memory_limit_bytes;  // deploy.resources.limits.memory, or mem_limit
  std::vector<std::pair<std::string, std::string>> environment;  // as written, ${VAR} included
  // "/path/on/host:/path/inside" as written.
  std::vector<std::string> volumes;
  int line = 0;
};

// Errors name file, line and column. What is not asked for is not looked at.
Result<std::vector<ComposeService>> ReadComposeFile(const std::string& file,
                                                    const std::string& text);

// The service of that name; null when there is none.
const ComposeService* FindService(const std::vector<ComposeService>& services,
                                  std::string_view name);

}  // namespace tocsin::cli
