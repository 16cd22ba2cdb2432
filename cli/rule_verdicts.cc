#include "cli/rule_verdicts.h"

#include <utility>

#include "cli/lint_schema.h"
#include "rules/lint/lint.h"
#include "rules/rule_group.h"

namespace tocsin::cli {

RuleVerdicts::RuleVerdicts(Logger& log, Metrics& metrics)
    : log_(log), metrics_(metrics), verdicts_(std::make_shared<const CertainVerdicts>()) {}

void RuleVerdicts::Judge(const FileSystem& files, const Config& config,
                         const promql::ParserOptions& parser) {
  const Result<RuleFiles> rules = LoadRuleFiles(files, config, parser);
  if (!rules.ok()) return;
  auto verdicts = std::make_shared<CertainVerdicts>();
  std::vector<std::shared_ptr<Gauge>> gauges;
  for (lint::RuleVerdict& verdict :
       lint::JudgeRules(rules->groups, CollectorSchema(&config), config)) {
    const bool never = verdict.consequence == lint::Consequence::kNeverFires;
    log_.Warn(never ? "a rule can never fire" : "a rule always fires", {{"file", verdict.file},
                                                                        {"group", verdict.group},
                                                                        {"rule", verdict.name},
                                                                        {"why", verdict.reason}});
    gauges.push_back(metrics_.MakeGauge(
        "tocsin_rule_cannot_work",
        "1 for a rule that, by what the built-in collectors give, never or always fires.",
        {{"rule_group", GroupKey(verdict.file, verdict.group)},
         {"rule", verdict.name},
         {"verdict", never ? "never_fires" : "always_fires"}}));
    gauges.back()->Set(1);
    verdicts->push_back({.file = std::move(verdict.file),
                         .group = std::move(verdict.group),
                         .name = std::move(verdict.name),
                         .never = never,
                         .reason = std::move(verdict.reason)});
  }
  gauges_ = std::move(gauges);
  verdicts_.Set(std::move(verdicts));
}

}  // namespace tocsin::cli
