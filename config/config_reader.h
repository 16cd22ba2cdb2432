// The building blocks of the configuration loader: parts of prometheus.yml that several sections
// share, read from YAML with places.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "config/config.h"
#include "config/yaml_reader.h"

namespace tocsin {

// A field of Prometheus that tocsin knows but does not do, and what to do instead.
struct KnownField {
  std::string_view field;
  std::string_view advice;
};

// Gathers, while the sections are read, what concerns the file as a whole.
//
// Not thread-safe: one reader reads one file.
class ConfigReader {
 public:
  // `path` is the configuration's; relative paths in it start at its folder.
  ConfigReader(const FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  std::string Resolve(const std::string& path) const;

  // `field`, or the content of the file that `field`_file names without the white space at its
  // end; both together are an error. Empty when neither is there.
  Result<Secret> OptionalSecret(YamlMap& map, std::string_view field);
  // The same for a text that may be shown when it stands in the configuration itself.
  Result<Secret> OptionalText(YamlMap& map, std::string_view field);
  // The content of the file that `path` names; `field` is what errors call it.
  Result<Secret> SecretFromFile(const YamlNode& path, std::string_view field) const;
  // The content of the file that a value names.
  Result<std::string> ReadFile(const YamlNode& path) const;
  // The document in the file that `field` names.
  Result<YamlNode> ReadYaml(YamlMap& map, std::string_view field) const;
  // Marks a value as secret.
  void NoteSecret(const YamlNode& value) { secret_places_.insert({value.line(), value.column()}); }
  // Fields that would change what is watched or told if they were left out: an error.
  Status RefuseFields(YamlMap& map, std::span<const KnownField> fields) const;
  // Fields without which the answer is the same: a warning.
  void IgnoreFields(YamlMap& map, std::span<const KnownField> fields);

  // Lines and columns of the values that must not be shown.
  const std::set<std::pair<int, int>>& secret_places() const { return secret_places_; }
  std::vector<std::string> TakeWarnings() { return std::move(warnings_); }

 private:
  const FileSystem& files_;
  const std::string path_;
  std::set<std::pair<int, int>> secret_places_;
  std::vector<std::string> warnings_;
};

// A label mapping; names are checked.
Result<LabelSet> ReadLabels(YamlMap& map, std::string_view field);
// static_configs: targets host:port with labels.
Result<std::vector<StaticTargets>> ReadStaticConfigs(YamlMap& map);
// discovery_config.cc: the ways to find targets; those that tocsin does not have are refused.
Result<TargetDiscovery> ReadDiscovery(YamlMap& map, ConfigReader& reader);
// "http" or "https".
Result<std::string> ReadScheme(YamlMap& map);
// http_config.cc: the fields of Prometheus' HTTP client configuration, which stand directly in
// `map`.
Result<HttpClientConfig> ReadHttpClient(YamlMap& map, ConfigReader& reader);
// http_config.cc: tls_config, as Prometheus writes it.
Status ReadTls(YamlMap& map, ConfigReader& reader, TlsOptions& tls);
// relabel_config.cc
Result<std::vector<RelabelRule>> ReadRelabelRules(YamlMap& map, std::string_view field);
// remote_write_config.cc
Result<std::vector<RemoteWriteConfig>> ReadRemoteWrites(YamlMap& root, ConfigReader& reader);
// collectors_config.cc: tocsin's own section.
Result<CollectorsConfig> ReadCollectors(const YamlNode& section, ConfigReader& reader);

// redact.cc: the document as YAML without comments, values at `secret_places` as <secret>.
std::string PrintRedacted(const YamlNode& root, const std::set<std::pair<int, int>>& secret_places);

// environment.cc: replaces ${VAR}; an unset variable is an error that names it.
Result<std::string> ExpandEnvironment(const Environment& environment, std::string_view text);
// postgresql+asyncpg://…?ssl=require, as SQLAlchemy writes it, in libpq's form. Errors do not
// quote the URL.
Result<std::string> LibpqUrl(std::string_view url);

}  // namespace tocsin
