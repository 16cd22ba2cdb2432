// Rule files: Prometheus' format (model/rulefmt), checked as strictly.
//
//   groups:
//     - name: app
//       interval: 30s
//       rules:
//         - alert: Errors
//           expr: errors > 0
//           for: 5m
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "engine/model/label_set.h"
#include "engine/promql/ast.h"
#include "rules/alert_template.h"
#include "rules/extensions.h"

namespace tocsin {

struct TemplatedLabel {
  std::string name;
  AlertTemplate value;
};

struct RuleSpec {
  bool alerting = false;
  std::string name;
  std::shared_ptr<const promql::ParsedQuery> query;
  Duration hold{};  // `for`
  Duration keep_firing_for{};
  LabelSet labels;       // as written, the group's included
  LabelSet annotations;  // as written
  // The same for an alerting rule, ready to be expanded; sorted by name. Labels that are written
  // empty are here too: they remove the sample's.
  std::vector<TemplatedLabel> label_templates;
  std::vector<TemplatedLabel> annotation_templates;
  // Of a recording rule, in the order in which they are set; "" removes the sample's.
  std::vector<LabelSet::Pair> label_overrides;
  RuleExtensions extensions;  // of an alerting rule
  int line = 0;
  int column = 0;
};

struct RuleGroupSpec {
  std::string name;
  std::string file;
  Duration interval{};
  Duration query_offset{};
  int64_t limit = 0;  // 0: none
  GroupExtensions extensions;
  std::vector<RuleSpec> rules;
  int line = 0;
  int column = 0;
  // Equal for groups that say the same: what a reload compares.
  std::string fingerprint;
};

// What groups get when they do not say it themselves.
struct RuleDefaults {
  Duration interval = std::chrono::minutes(1);
  Duration query_offset{};
  promql::ParserOptions parser;
  // Whether extensions may be written as fields, which Prometheus refuses.
  bool extension_fields = true;
  bool ignore_unknown_fields = false;
};

// All errors of a file at once, one a line: "rules.yml:12:15: group "app", rule 1, "Errors": what
// is wrong". The place of a broken expression is the place inside it.
Result<std::vector<RuleGroupSpec>> ParseRuleFile(const std::string& file, std::string_view text,
                                                 const RuleDefaults& defaults = {});

struct RuleFiles {
  std::vector<RuleGroupSpec> groups;  // sorted by file; in a file as written
  // Patterns that no file matches.
  std::vector<std::string> warnings;
};

// The files that the configuration names. A path without wildcards must exist.
Result<RuleFiles> LoadRuleFiles(const FileSystem& files, const Config& config,
                                const promql::ParserOptions& parser);

}  // namespace tocsin
