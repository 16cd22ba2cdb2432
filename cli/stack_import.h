// Turns the configuration of a stack with exporters into one where tocsin collects itself.
//
// Jobs whose targets are exporters, told by their ports, become entries of `collectors:` with job
// and instance as they were, so that rules and dashboards go on working; everything else of the
// file stays as it is written, comments included.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "cli/compose_file.h"

namespace tocsin::cli {

struct ImportSource {
  std::string path;  // of prometheus.yml; rule files are relative to it
  std::string text;
  std::string compose_path;  // "": none
  std::vector<ComposeService> services;
};

struct ImportedStack {
  std::string config;  // has been read back without an error
  // One line each.
  std::vector<std::string> did;
  std::vector<std::string> left;
  std::vector<std::string> to_do;
};

Result<ImportedStack> ImportStack(const ImportSource& source, const FileSystem& files);

}  // namespace tocsin::cli
