#include <fmt/core.h>

#include <utility>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/features.h"
#include "cli/findings_report.h"
#include "cli/rule_file_check.h"
#include "config/yaml_reader.h"
#include "exporters/collectors.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--syntax-only",
     .help = "Look at no other file: neither at rule files nor at files with secrets."},
    kLintFlag,
    kLintFatalFlag,
    {.name = "--query.lookback-delta",
     .value = "DURATION",
     .fallback = "5m",
     .help = "A scrape interval of this length or more is too long."},
    {.name = "--agent", .help = "Check the file for Prometheus in agent mode."},
    kIgnoreUnknownFieldsFlag,
    kEnableFeatureFlag,
    kReportFormatFlag,
};

struct ConfigCheck {
  RuleFileCheck rules;
  Duration lookback{};
  bool syntax_only = false;
  bool agent = false;
};

Result<ConfigCheck> OptionsOf(const Arguments& arguments) {
  ConfigCheck options;
  ASSIGN_OR_RETURN(const promql::EngineOptions engine,
                   ParseFeatures(arguments.All("--enable-feature")));
  options.rules.parser = engine.parser;
  ASSIGN_OR_RETURN(options.rules.lint, ParseLint(arguments.Text("--lint")));
  options.rules.ignore_unknown_fields = arguments.Switch("--ignore-unknown-fields");
  ASSIGN_OR_RETURN(options.lookback, arguments.DurationOf("--query.lookback-delta"));
  options.syntax_only = arguments.Switch("--syntax-only");
  options.agent = arguments.Switch("--agent");
  return options;
}

// For --syntax-only: the configuration is there, all other files are empty.
class OnlyFile final : public FileSystem {
 public:
  OnlyFile(const FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  Result<std::string> Read(const std::string& path, size_t max_bytes) const override {
    if (path != path_) return std::string();
    return files_.Read(path, max_bytes);
  }
  Status WriteAtomically(const std::string& path, std::string_view /*content*/) override {
    return Refusal(path);
  }
  Status Append(const std::string& path, std::string_view /*content*/) override {
    return Refusal(path);
  }
  Status Remove(const std::string& path) override { return Refusal(path); }
  bool Exists(const std::string& path) const override { return path == path_; }
  std::vector<std::string> Glob(const std::string& /*pattern*/) const override { return {}; }
  Result<std::vector<std::string>> List(const std::string& folder) const override {
    return Refusal(folder);
  }

 private:
  static Error Refusal(const std::string& path) {
    return InvalidArgument(path + ": only the configuration is looked at");
  }

  const FileSystem& files_;
  const std::string path_;
};

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

// What an agent, which neither stores nor judges, may not have.
Status CheckAgent(const FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, files.Read(path));
  ASSIGN_OR_RETURN(const YamlNode node, YamlNode::Parse(path, text));
  ASSIGN_OR_RETURN(YamlMap root, YamlMap::Open(node, "the configuration"));
  for (const char* field : {"alerting", "rule_files", "remote_read"}) {
    if (!root.Find(field)) continue;
    return root.ErrorAt(field, fmt::format("field {} is not allowed in agent mode", field));
  }
  return Ok();
}

Result<Config> Load(const std::string& path, const ConfigCheck& options, CommandContext& context) {
  if (options.agent) RETURN_IF_ERROR(CheckAgent(context.files, path));
  if (!options.syntax_only) {
    ASSIGN_OR_RETURN(Config config, LoadConfig(context.files, context.environment, path));
    RETURN_IF_ERROR(CheckCollectors(config));
    return config;
  }
  const OnlyFile only(context.files, path);
  return LoadConfig(only, context.environment, path);
}

// A job that is scraped so seldom that its series are stale in between.
void LintScrapeIntervals(const Config& config, const ConfigCheck& options, FindingsReport& report) {
  for (const ScrapeConfig& job : config.scrape_configs) {
    if (job.scrape_interval < options.lookback) continue;
    const std::string interval = FormatPrometheusDuration(job.scrape_interval);
    report.AddAs(
        {.severity = Severity::kWarning,
         .check = "config/scrape_interval",
         .file = config.path,
         .message = fmt::format("job \"{}\" is scraped every {} only", job.job_name, interval),
         .explanation = fmt::format("a query looks back {}: in between the series are not there",
                                    FormatPrometheusDuration(options.lookback)),
         .fix = "set scrape_interval to two minutes or less"},
        fmt::format("  FAILED: too long scrape interval found, data point will be marked as stale "
                    "- job: {}, interval: {}\n",
                    job.job_name, interval));
  }
}

void Fail(const Error& error, const std::string& path, FindingsReport& report) {
  std::string words = "  FAILED: " + error.message + "\n";
  for (Finding& finding : FindingsOf(error, path, "config/syntax")) {
    report.AddAs(std::move(finding), std::exchange(words, ""));
  }
  report.Say("\n");
}

void CheckConfigFile(const std::string& path, const ConfigCheck& options, CommandContext& context,
                     FindingsReport& report) {
  report.Say("Checking " + path + "\n");
  const Result<Config> config = Load(path, options, context);
  if (!config.ok()) return Fail(config.error(), path, report);
  Result<std::vector<std::string>> rule_files = std::vector<std::string>();
  if (!options.syntax_only) rule_files = RuleFilesOf(*config, context.files);
  if (!rule_files.ok()) return Fail(rule_files.error(), path, report);
  for (const std::string& warning : config->warnings) {
    Finding note = FindingsOf(InvalidArgument(warning), path, "config/no_effect").front();
    note.severity = Severity::kNote;
    report.AddAs(std::move(note), "  WARNING: " + warning + "\n");
  }
  if (!rule_files->empty()) {
    report.Say(fmt::format("  SUCCESS: {} rule files found\n", rule_files->size()));
  }
  report.Say(fmt::format(" SUCCESS: {} is valid prometheus config file syntax\n\n", path));
  if (options.syntax_only) return;
  if (options.rules.lint.long_scrape_interval) LintScrapeIntervals(*config, options, report);
  for (const std::string& file : *rule_files) CheckRuleFile(file, options.rules, context, report);
}

int RunCheckConfig(const Arguments& arguments, CommandContext& context) {
  const Result<ConfigCheck> options = OptionsOf(arguments);
  if (!options.ok()) {
    context.err("tocsin check config: " + options.error().message + "\n");
    return kExitUsage;
  }
  Result<FindingsReport> report = OpenReport("check config", arguments, context);
  if (!report.ok()) return kExitUsage;
  for (const std::string& path : arguments.positional()) {
    CheckConfigFile(path, *options, context, *report);
  }
  return report->Finish(LintOf(arguments));
}

}  // namespace

const CommandSpec kCheckConfigCommand = {
    .name = "check config",
    .summary = "Check configuration files and the rule files that they name.",
    .positional = "FILE...",
    .flags = kFlags,
    .examples =
        "tocsin check config prometheus.yml\n"
        "tocsin check config --lint=all --lint-fatal deploy/tocsin.yml\n"
        "tocsin check config --format=sarif prometheus.yml > findings.sarif",
    .run = &RunCheckConfig,
};

}  // namespace tocsin::cli
