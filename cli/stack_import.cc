#include "cli/stack_import.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "cli/lint_schema.h"
#include "cli/text_lines.h"
#include "config/config.h"
#include "config/yaml_reader.h"
#include "rules/lint/lint.h"

namespace tocsin::cli {
namespace {

// An exporter and the collector that takes its place.
struct ExporterRow {
  std::string_view port;
  std::string_view collector;
  std::string_view image;     // a part of the image's name of what it watches
  std::string_view variable;  // the environment variable with its address; "": none
  std::string_view field;     // that takes the address; "": none
};
constexpr ExporterRow kExporters[] = {
    {"9187", "postgres", "postgres", "DATABASE_URL", "url"},
    {"9121", "redis", "redis", "REDIS_URL", "url"},
    {"9113", "nginx", "nginx", "", "stub_status_url"},
    {"9100", "node", "", "", ""},
    {"8888", "celery", "", "CELERY_BROKER_URL", "broker_url"},
    {"9540", "celery", "", "CELERY_BROKER_URL", "broker_url"},
    {"9808", "celery", "", "CELERY_BROKER_URL", "broker_url"},
};

std::string_view PortOf(std::string_view target) {
  const size_t colon = target.rfind(':');
  return colon == std::string_view::npos ? "" : target.substr(colon + 1);
}
std::string_view HostOf(std::string_view target) { return target.substr(0, target.rfind(':')); }

// By the port, or by a job that is named after a collector while its port says nothing.
const ExporterRow* RowOf(const ScrapeConfig& job, std::string_view target) {
  for (const ExporterRow& row : kExporters) {
    if (row.port == PortOf(target)) return &row;
  }
  for (const ExporterRow& row : kExporters) {
    if (row.collector == job.job_name && row.collector == "celery") return &row;
  }
  return nullptr;
}

// Where the entry of each job stands: from its first line to the line before what follows.
struct JobLines {
  int first = 0;
  int end = 0;
};

// The list entry that holds the line of a job: up to the next line that is indented no further
// than its dash.
JobLines EntryAround(const std::vector<std::string>& lines, int line) {
  int first = line;
  while (first > 1) {
    const std::string& text = lines[static_cast<size_t>(first - 1)];
    const size_t indent = IndentOf(text);
    if (indent != std::string::npos && text[indent] == '-') break;
    --first;
  }
  const size_t dash = IndentOf(lines[static_cast<size_t>(first - 1)]);
  int end = first + 1;
  while (static_cast<size_t>(end) <= lines.size()) {
    const size_t indent = IndentOf(lines[static_cast<size_t>(end - 1)]);
    if (indent != std::string::npos && indent <= dash) break;
    ++end;
  }
  return {first, end};
}

// What a variable could be set to: the file is read without the environment that it is for.
std::optional<std::string> SampleValue(const std::string& name) {
  for (const ExporterRow& row : kExporters) {
    if (row.variable != name) continue;
    return row.collector == "postgres" ? "postgresql://user:password@host:5432/database"
                                       : "redis://host:6379/0";
  }
  return "x";
}

class Importer {
 public:
  Importer(const ImportSource& source, const FileSystem& files) : source_(source), files_(files) {}

  Result<ImportedStack> Run() {
    const Environment environment = &SampleValue;
    ASSIGN_OR_RETURN(config_, ParseConfig(files_, environment, source_.path, source_.text));
    ASSIGN_OR_RETURN(places_, JobPlaces());
    lines_ = LinesOf(source_.text);
    for (const ScrapeConfig& job : config_.scrape_configs) ImportJob(job);
    CheckRuleFiles();
    CheckAlertmanagers();
    result_.config = Text();
    const Result<Config> again = ParseConfig(files_, environment, source_.path, result_.config);
    if (!again.ok()) {
      return InternalError("the configuration that was made does not load: " +
                           again.error().message + "\n" + result_.config);
    }
    return std::move(result_);
  }

 private:
  // The line of each job's name.
  Result<std::map<std::string, int>> JobPlaces() const {
    std::map<std::string, int> places;
    ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse(source_.path, source_.text));
    ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, root.AsEntries());
    for (const auto& [key, value] : entries) {
      if (key.text() != "scrape_configs") continue;
      ASSIGN_OR_RETURN(const std::vector<YamlNode> jobs, value.AsList());
      for (const YamlNode& job : jobs) {
        ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> fields, job.AsEntries());
        for (const auto& [name, text] : fields) {
          if (name.text() == "job_name") places[text.text()] = name.line();
        }
      }
    }
    return places;
  }

  void ImportJob(const ScrapeConfig& job) {
    std::vector<std::pair<const ExporterRow*, std::string>> exporters;
    size_t targets = 0;
    for (const StaticTargets& group : job.static_configs) {
      for (const std::string& target : group.targets) {
        ++targets;
        if (const ExporterRow* row = RowOf(job, target)) exporters.emplace_back(row, target);
        CheckService(job, target);
      }
    }
    const bool own = targets == 1 && job.job_name == "prometheus";
    if (own) {
      result_.left.push_back("job prometheus: tocsin's own figures have the job tocsin");
      return;
    }
    if (exporters.empty()) {
      result_.left.push_back(fmt::format("job {}: scraped as before", job.job_name));
      return;
    }
    const bool relabelled = !job.relabel_configs.empty() || !job.metric_relabel_configs.empty();
    if (exporters.size() != targets || relabelled || places_.count(job.job_name) == 0) {
      result_.left.push_back(
          fmt::format("job {}: {}", job.job_name,
                      relabelled ? "it is relabelled" : "only some of its targets are exporters"));
      return;
    }
    for (const auto& [row, target] : exporters) AddCollector(job, *row, target);
    const JobLines entry = EntryAround(lines_, places_.at(job.job_name));
    for (int line = entry.first; line < entry.end; ++line) removed_.insert(line);
  }

  // A target that the compose file does not know.
  void CheckService(const ScrapeConfig& job, std::string_view target) {
    if (source_.services.empty() || RowOf(job, target) != nullptr) return;
    if (FindService(source_.services, HostOf(target)) != nullptr) return;
    result_.to_do.push_back(fmt::format("job {}: {} has no service {}", job.job_name,
                                        source_.compose_path, HostOf(target)));
  }

  // The service that the exporter watches: its own host, or the only one with such an image.
  std::string WatchedHost(const ExporterRow& row, std::string_view target) const {
    const std::string host(HostOf(target));
    const auto fits = [&](const ComposeService& service) {
      return !row.image.empty() && service.image.find(row.image) != std::string::npos &&
             service.image.find("exporter") == std::string::npos;
    };
    const ComposeService* own = FindService(source_.services, host);
    if (own != nullptr && fits(*own)) return host;
    const auto found = std::ranges::find_if(source_.services, fits);
    return found == source_.services.end() ? host : found->name;
  }

  void AddCollector(const ScrapeConfig& job, const ExporterRow& row, const std::string& target) {
    std::string entry;
    const auto field = [&](std::string_view name, const std::string& value) {
      entry += fmt::format("{}{}: {}\n", entry.empty() ? "" : "      ", name, value);
    };
    const std::string host = WatchedHost(row, target);
    if (row.collector == "redis" && FindService(source_.services, host) != nullptr) {
      field("url", "redis://" + host + ":6379");
      result_.to_do.push_back(
          fmt::format("collectors.redis: add the password of {} to its url, if it has one", host));
    } else if (row.collector == "nginx") {
      field("stub_status_url", "http://" + host + "/nginx_status");
      result_.to_do.push_back(
          fmt::format("nginx: give {} a location /nginx_status with stub_status on", host));
    } else if (!row.variable.empty()) {
      field(row.field, fmt::format("${{{}}}", row.variable));
      result_.to_do.push_back(fmt::format("set the environment variable {}", row.variable));
    }
    if (row.collector == "postgres" && RulesNeedOneNumber()) {
      field("activity_labels", "[]");
      result_.did.push_back(
          "activity_labels: [] for pg_stat_activity_count, because a rule divides "
          "it by a setting; sum by (job, instance) (…) in the rule does without");
    }
    field("job", job.job_name);
    field("instance", "'" + target + "'");
    if (job.scrape_interval != config_.global.scrape_interval) {
      field("interval", FormatPrometheusDuration(job.scrape_interval));
    }
    collectors_[std::string(row.collector)].push_back(entry);
    result_.did.push_back(
        fmt::format("job {}: {} becomes the collector {}, with job and instance "
                    "as they were",
                    job.job_name, target, row.collector));
    if (row.port != PortOf(target)) {
      result_.did.back() +=
          fmt::format(" (by the job's name: no exporter listens on {})", PortOf(target));
    }
  }

  // Whether some rule matches pg_stat_activity_count only when it has no labels of its own.
  bool RulesNeedOneNumber() const {
    Config one_number;
    one_number.collectors.postgres.emplace_back().activity_labels.clear();
    return Mismatches(CollectorSchema(nullptr)) > Mismatches(CollectorSchema(&one_number));
  }

  size_t Mismatches(lint::MetricSchema schema) const {
    lint::LintRequest request;
    request.schema = std::move(schema);
    request.only = {"promql/vector_matching"};
    for (const std::string& pattern : config_.rule_files) {
      for (const std::string& path : files_.Glob(ResolvePath(source_.path, pattern))) {
        const Result<std::string> text = files_.Read(path);
        if (!text.ok()) continue;
        request.documents.push_back(lint::ReadRuleDocument(path, *text, {}).document);
      }
    }
    return lint::Lint(request).findings.size();
  }

  void CheckRuleFiles() {
    for (const std::string& pattern : config_.rule_files) {
      const std::string path = ResolvePath(source_.path, pattern);
      if (files_.Glob(path).empty()) {
        result_.to_do.push_back(fmt::format("rule_files: \"{}\" is no file", path));
      }
      if (source_.services.empty()) continue;
      const std::string name = pattern.substr(pattern.rfind('/') + 1);
      const bool mounted =
          std::ranges::any_of(source_.services, [&](const ComposeService& service) {
            return std::ranges::any_of(service.volumes, [&](const std::string& volume) {
              return volume.find(name) != std::string::npos;
            });
          });
      if (!mounted) {
        result_.to_do.push_back(fmt::format(
            "rule_files: no service of {} mounts {}, so Prometheus ran without these rules",
            source_.compose_path, pattern));
      }
    }
  }

  void CheckAlertmanagers() {
    if (source_.services.empty()) return;
    for (const AlertmanagerConfig& manager : config_.alertmanagers) {
      for (const StaticTargets& group : manager.static_configs) {
        for (const std::string& target : group.targets) {
          if (FindService(source_.services, HostOf(target)) != nullptr) continue;
          result_.to_do.push_back(
              fmt::format("alerting: {} has no service {}", source_.compose_path, HostOf(target)));
        }
      }
    }
  }

  std::string Text() const {
    std::string text;
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (!removed_.contains(static_cast<int>(i) + 1)) text += lines_[i] + "\n";
    }
    // A list whose entries are all gone would be null.
    const size_t all = config_.scrape_configs.size();
    const bool none_left =
        std::ranges::all_of(config_.scrape_configs, [&](const ScrapeConfig& job) {
          const auto place = places_.find(job.job_name);
          return place != places_.end() && removed_.contains(place->second);
        });
    if (all > 0 && none_left) {
      const size_t at = text.find("scrape_configs:");
      if (at != std::string::npos) text.replace(at, text.find('\n', at) - at, "scrape_configs: []");
    }
    if (collectors_.empty()) return text;
    text += "\n# What exporters did, tocsin collects itself.\ncollectors:\n";
    for (const auto& [collector, entries] : collectors_) {
      text += "  " + collector + ":\n";
      for (const std::string& entry : entries) {
        // The host is one; everything else may be several.
        text += (collector == "node" ? "      " : "    - ") + entry;
        if (collector == "node") break;
      }
    }
    return text;
  }

  const ImportSource& source_;
  const FileSystem& files_;
  Config config_;
  std::map<std::string, int> places_;
  std::vector<std::string> lines_;
  std::set<int> removed_;
  std::map<std::string, std::vector<std::string>> collectors_;
  ImportedStack result_;
};

}  // namespace

Result<ImportedStack> ImportStack(const ImportSource& source, const FileSystem& files) {
  return Importer(source, files).Run();
}

}  // namespace tocsin::cli
