#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "cli/commands.h"
#include "cli/features.h"
#include "rules/rule_file.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kLintFatalFlag = {.name = "--lint-fatal",
                                     .help = "Exit with code 3 when there are lint errors."};
constexpr FlagSpec kConfigFlags[] = {
    {.name = "--syntax-only", .help = "Do not look at the rule files."},
    kLintFatalFlag,
    kEnableFeatureFlag,
};
constexpr FlagSpec kRulesFlags[] = {
    kLintFatalFlag,
    {.name = "--strict-prometheus", .help = "Refuse fields that Prometheus does not know."},
    kEnableFeatureFlag,
};

struct Outcome {
  bool failed = false;
  bool lint = false;

  int ExitCode(const Arguments& arguments) const {
    if (failed) return kExitNo;
    return lint && arguments.Switch("--lint-fatal") ? kExitLint : kExitOk;
  }
};

// Rules whose series would be the same: equal name and labels, whatever they compute.
std::vector<const RuleSpec*> Duplicates(const std::vector<RuleGroupSpec>& groups) {
  std::map<std::pair<std::string, LabelSet>, int> seen;
  std::vector<const RuleSpec*> duplicates;
  for (const RuleGroupSpec& group : groups) {
    for (const RuleSpec& rule : group.rules) {
      if (++seen[{rule.name, rule.labels}] == 2) duplicates.push_back(&rule);
    }
  }
  return duplicates;
}

void ReportDuplicates(const std::vector<const RuleSpec*>& duplicates, CommandContext& context) {
  std::string text =
      fmt::format("  FAILED:\nlint error {} duplicate rule(s) found.\n", duplicates.size());
  for (const RuleSpec* rule : duplicates) {
    text += fmt::format("Metric: {}\nLabel(s):\n", rule->name);
    for (const auto& [name, value] : rule->labels) text += fmt::format("\t{}: {}\n", name, value);
  }
  context.err(text + "Might cause inconsistency while recording expressions\n");
}

void CheckRuleFile(const std::string& path, const RuleDefaults& defaults, CommandContext& context,
                   Outcome& outcome) {
  context.out("Checking " + path + "\n");
  const Result<std::string> text = context.files.Read(path);
  const Result<std::vector<RuleGroupSpec>> groups =
      text.ok() ? ParseRuleFile(path, *text, defaults) : text.error();
  if (!groups.ok()) {
    context.err("  FAILED:\n" + groups.error().message + "\n");
    context.out("\n");
    outcome.failed = true;
    return;
  }
  const std::vector<const RuleSpec*> duplicates = Duplicates(*groups);
  if (!duplicates.empty()) {
    ReportDuplicates(duplicates, context);
    context.out("\n");
    outcome.lint = true;
    return;
  }
  size_t rules = 0;
  for (const RuleGroupSpec& group : *groups) rules += group.rules.size();
  context.out(fmt::format("  SUCCESS: {} rules found\n\n", rules));
}

// The files that a configuration names; a name without wildcards must be a file.
Result<std::vector<std::string>> RuleFilesOf(const Config& config, const FileSystem& files) {
  std::vector<std::string> paths;
  for (const std::string& pattern : config.rule_files) {
    const std::string path = ResolvePath(config.path, pattern);
    std::vector<std::string> found = files.Glob(path);
    if (found.empty() && path.find_first_of("*?[") == std::string::npos) {
      return NotFound("\"" + path + "\" does not point to an existing file");
    }
    paths.insert(paths.end(), found.begin(), found.end());
  }
  return paths;
}

void CheckConfigFile(const std::string& path, const Arguments& arguments,
                     const promql::ParserOptions& parser, CommandContext& context,
                     Outcome& outcome) {
  context.out("Checking " + path + "\n");
  const Result<Config> config = LoadConfig(context.files, context.environment, path);
  Result<std::vector<std::string>> rule_files =
      config.ok() ? RuleFilesOf(*config, context.files) : config.error();
  if (!rule_files.ok()) {
    context.err("  FAILED: " + rule_files.error().message + "\n");
    context.out("\n");
    outcome.failed = true;
    return;
  }
  for (const std::string& warning : config->warnings) context.err("  WARNING: " + warning + "\n");
  if (!rule_files->empty()) {
    context.out(fmt::format("  SUCCESS: {} rule files found\n", rule_files->size()));
  }
  context.out(fmt::format(" SUCCESS: {} is valid prometheus config file syntax\n\n", path));
  if (arguments.Switch("--syntax-only")) return;
  const RuleDefaults defaults{.parser = parser};
  for (const std::string& file : *rule_files) CheckRuleFile(file, defaults, context, outcome);
}

int RunCheckConfig(const Arguments& arguments, CommandContext& context) {
  const Result<promql::EngineOptions> engine = ParseFeatures(arguments.All("--enable-feature"));
  if (!engine.ok()) {
    context.err("tocsin check config: " + engine.error().message + "\n");
    return kExitUsage;
  }
  Outcome outcome;
  for (const std::string& path : arguments.positional()) {
    CheckConfigFile(path, arguments, engine->parser, context, outcome);
  }
  return outcome.ExitCode(arguments);
}

int RunCheckRules(const Arguments& arguments, CommandContext& context) {
  const Result<promql::EngineOptions> engine = ParseFeatures(arguments.All("--enable-feature"));
  if (!engine.ok()) {
    context.err("tocsin check rules: " + engine.error().message + "\n");
    return kExitUsage;
  }
  const RuleDefaults defaults{.parser = engine->parser,
                              .extension_fields = !arguments.Switch("--strict-prometheus")};
  Outcome outcome;
  for (const std::string& path : arguments.positional()) {
    CheckRuleFile(path, defaults, context, outcome);
  }
  return outcome.ExitCode(arguments);
}

}  // namespace

const CommandSpec kCheckConfigCommand = {
    .name = "check config",
    .summary = "Check configuration files and the rule files that they name.",
    .positional = "FILE...",
    .flags = kConfigFlags,
    .examples =
        "tocsin check config prometheus.yml\n"
        "tocsin check config --lint-fatal deploy/tocsin.yml",
    .run = &RunCheckConfig,
};

const CommandSpec kCheckRulesCommand = {
    .name = "check rules",
    .summary = "Check rule files.",
    .positional = "FILE...",
    .flags = kRulesFlags,
    .examples =
        "tocsin check rules alert_rules.yml\n"
        "tocsin check rules --lint-fatal rules/*.yml\n"
        "tocsin check rules --strict-prometheus rules/*.yml",
    .run = &RunCheckRules,
};

}  // namespace tocsin::cli
