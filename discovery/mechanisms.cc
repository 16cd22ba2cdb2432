#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "config/target_groups.h"
#include "discovery/mechanism.h"

namespace tocsin {
namespace {

constexpr size_t kMaxDocumentBytes = 16 << 20;
// Files are looked at this often, so that a change counts at once; refresh_interval is for
// file systems that do not tell of changes, and is shorter than this only on purpose.
constexpr Duration kFileWatch = std::chrono::seconds(2);

bool IsJson(std::string_view path) { return path.ends_with(".json") || path.ends_with(".JSON"); }

void Label(std::vector<StaticTargets>& groups, std::string_view name, const std::string& value) {
  for (StaticTargets& group : groups) group.labels.Set(name, value);
}

class FileSource final : public TargetSource {
 public:
  FileSource(FileDiscovery config, FileSystem& files) : config_(std::move(config)), files_(files) {}

  std::vector<FoundPart> Find() override {
    std::vector<FoundPart> parts;
    for (const std::string& pattern : config_.patterns) {
      for (const std::string& path : files_.Glob(pattern)) {
        const bool known =
            std::ranges::any_of(parts, [&](const FoundPart& part) { return part.name == path; });
        if (!known) parts.push_back({.name = path, .groups = ReadGroups(path)});
      }
    }
    return parts;
  }

 private:
  Result<std::vector<StaticTargets>> ReadGroups(const std::string& path) const {
    ASSIGN_OR_RETURN(const std::string text, files_.Read(path, kMaxDocumentBytes));
    std::vector<StaticTargets> groups;
    if (IsJson(path)) {
      Result<std::vector<StaticTargets>> parsed = ParseJsonTargetGroups(text);
      if (!parsed.ok()) return Prefixed(path + ": ", parsed.error());
      groups = *std::move(parsed);
    } else {
      ASSIGN_OR_RETURN(const YamlNode document, YamlNode::Parse(path, text));
      ASSIGN_OR_RETURN(groups, ReadTargetGroups(document));
    }
    Label(groups, "__meta_filepath", path);
    return groups;
  }

  const FileDiscovery config_;
  FileSystem& files_;
};

class HttpDocumentSource final : public TargetSource {
 public:
  HttpDocumentSource(HttpDiscovery config, HttpClient& http)
      : config_(std::move(config)), http_(http) {}

  std::vector<FoundPart> Find() override {
    return {{.name = UrlWithoutSecrets(config_.url), .groups = Ask()}};
  }

 private:
  Result<std::vector<StaticTargets>> Ask() const {
    const std::string shown = UrlWithoutSecrets(config_.url);
    HttpRequest request;
    request.url = config_.url;
    request.max_body_bytes = kMaxDocumentBytes;
    request.timeout = std::min<Duration>(config_.refresh_interval, std::chrono::seconds(30));
    request.headers = {{"Accept", "application/json"},
                       {"X-Prometheus-Refresh-Interval-Seconds",
                        fmt::format("{}", ToSeconds(config_.refresh_interval))}};
    Configure(request, config_.http);
    ASSIGN_OR_RETURN(const HttpResponse response, http_.Fetch(request));
    if (response.status != 200) {
      return Unavailable(fmt::format("{} answered {}", shown, response.status));
    }
    const std::string_view type = response.Header("content-type");
    if (!type.starts_with("application/json")) {
      return InvalidArgument(
          fmt::format("{}: the content type is \"{}\", not \"application/json\"", shown, type));
    }
    Result<std::vector<StaticTargets>> groups = ParseJsonTargetGroups(response.body);
    if (!groups.ok()) return Prefixed(shown + ": ", groups.error());
    Label(*groups, "__meta_url", shown);
    return groups;
  }

  const HttpDiscovery config_;
  HttpClient& http_;
};

// Where a record says its target, in the order of a row's use.
struct RecordLabels {
  DnsRecordType type;
  std::string_view target;
  std::string_view port;
};
constexpr RecordLabels kRecordLabels[] = {
    {DnsRecordType::kA, "", ""},
    {DnsRecordType::kAaaa, "", ""},
    {DnsRecordType::kSrv, "__meta_dns_srv_record_target", "__meta_dns_srv_record_port"},
    {DnsRecordType::kMx, "__meta_dns_mx_record_target", ""},
    {DnsRecordType::kNs, "__meta_dns_ns_record_target", ""},
};

std::string HostAndPort(const std::string& host, int port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

class DnsSource final : public TargetSource {
 public:
  DnsSource(DnsDiscovery config, DnsResolver& dns) : config_(std::move(config)), dns_(dns) {}

  std::vector<FoundPart> Find() override {
    std::vector<FoundPart> parts;
    for (const std::string& name : config_.names) {
      parts.push_back({.name = name, .groups = Resolve(name)});
    }
    return parts;
  }

 private:
  Result<std::vector<StaticTargets>> Resolve(const std::string& name) const {
    ASSIGN_OR_RETURN(std::vector<DnsRecord> records, dns_.Lookup(name, config_.type));
    // Servers turn the records of an answer round; that is no change.
    std::ranges::sort(
        records, {}, [](const DnsRecord& record) { return std::pair(record.target, record.port); });
    const RecordLabels& row = *std::ranges::find(kRecordLabels, config_.type, &RecordLabels::type);
    std::vector<StaticTargets> groups;
    for (const DnsRecord& record : records) {
      const int port = row.port.empty() ? config_.port : record.port;
      StaticTargets group{.targets = {HostAndPort(record.target, port)}, .labels = {}};
      group.labels.Set("__meta_dns_name", name);
      if (!row.target.empty()) group.labels.Set(row.target, record.target + ".");
      if (!row.port.empty()) group.labels.Set(row.port, fmt::format("{}", record.port));
      groups.push_back(std::move(group));
    }
    return groups;
  }

  const DnsDiscovery config_;
  DnsResolver& dns_;
};

std::vector<ScheduledSource> FileSources(const TargetDiscovery& config,
                                         const MechanismSpec::Outside& outside) {
  std::vector<ScheduledSource> sources;
  for (const FileDiscovery& one : config.file) {
    sources.push_back({std::make_unique<FileSource>(one, outside.files),
                       std::min(one.refresh_interval, kFileWatch)});
  }
  return sources;
}

std::vector<ScheduledSource> HttpSources(const TargetDiscovery& config,
                                         const MechanismSpec::Outside& outside) {
  std::vector<ScheduledSource> sources;
  for (const HttpDiscovery& one : config.http) {
    sources.push_back(
        {std::make_unique<HttpDocumentSource>(one, outside.http), one.refresh_interval});
  }
  return sources;
}

std::vector<ScheduledSource> DnsSources(const TargetDiscovery& config,
                                        const MechanismSpec::Outside& outside) {
  std::vector<ScheduledSource> sources;
  for (const DnsDiscovery& one : config.dns) {
    sources.push_back({std::make_unique<DnsSource>(one, outside.dns), one.refresh_interval});
  }
  return sources;
}

constexpr MechanismSpec kMechanisms[] = {
    {.name = "file", .local = true, .sources = &FileSources},
    {.name = "http", .sources = &HttpSources},
    {.name = "dns", .sources = &DnsSources},
};

}  // namespace

std::span<const MechanismSpec> Mechanisms() { return kMechanisms; }

}  // namespace tocsin
