// What is certain about the rules that the process runs: which can never fire, and which always
// do, by the tables of the collectors that it runs itself.
#pragma once

#include <memory>
#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/published.h"
#include "config/config.h"
#include "engine/promql/ast.h"
#include "rules/lint/verdicts.h"

namespace tocsin::cli {

// Thread safety: Get may be called from any thread, Judge from one at a time.
class RuleVerdicts {
 public:
  RuleVerdicts(Logger& log, Metrics& metrics);

  // Looks at the rule files of the configuration, which have been loaded without an error: logs a
  // warning for each verdict and sets tocsin_rule_cannot_work.
  void Judge(const FileSystem& files, const Config& config, const promql::ParserOptions& parser);
  std::shared_ptr<const CertainVerdicts> Get() const { return verdicts_.Get(); }

 private:
  Logger& log_;
  Metrics& metrics_;
  Published<CertainVerdicts> verdicts_;
  std::vector<std::shared_ptr<Gauge>> gauges_;
};

}  // namespace tocsin::cli
