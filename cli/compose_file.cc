#include "cli/compose_file.h"

#include <algorithm>
#include <cstdlib>

#include "config/yaml_reader.h"

namespace tocsin::cli {
namespace {

using Entries = std::vector<YamlNode::Entry>;

// The value of a key of a mapping; nothing when this is no mapping or has none.
std::optional<YamlNode> Child(const YamlNode& node, std::string_view key) {
  if (node.kind() != YamlNode::Kind::kMap) return std::nullopt;
  const Result<Entries> entries = node.AsEntries();
  if (!entries.ok()) return std::nullopt;
  for (const auto& [name, value] : *entries) {
    if (name.text() == key) return value;
  }
  return std::nullopt;
}

template <typename... Keys>
std::optional<YamlNode> Child(const YamlNode& node, std::string_view key, Keys... rest) {
  const std::optional<YamlNode> child = Child(node, key);
  return child ? Child(*child, rest...) : std::nullopt;
}

// "2G", "512m", "1.5gb", "1024": Docker's units are powers of 1024.
std::optional<double> Bytes(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return std::nullopt;
  switch (*end) {
    case '\0':
    case 'b':
    case 'B':
      return number;
    case 'k':
    case 'K':
      return number * 1024;
    case 'm':
    case 'M':
      return number * 1024 * 1024;
    case 'g':
    case 'G':
      return number * 1024 * 1024 * 1024;
    default:
      return std::nullopt;
  }
}

// A list of words or one text.
std::string CommandText(const YamlNode& node) {
  if (node.kind() != YamlNode::Kind::kSequence) return node.text();
  std::string text;
  const Result<std::vector<YamlNode>> words = node.AsList();
  if (!words.ok()) return text;
  for (const YamlNode& word : *words) text += (text.empty() ? "" : " ") + word.text();
  return text;
}

// A mapping, or a list of NAME=value.
void ReadEnvironment(const YamlNode& node, ComposeService& service) {
  if (node.kind() == YamlNode::Kind::kMap) {
    const Result<Entries> entries = node.AsEntries();
    if (!entries.ok()) return;
    for (const auto& [name, value] : *entries) {
      service.environment.emplace_back(name.text(), value.text());
    }
    return;
  }
  const Result<std::vector<YamlNode>> list = node.AsList();
  if (!list.ok()) return;
  for (const YamlNode& entry : *list) {
    const size_t equals = entry.text().find('=');
    if (equals == std::string::npos) continue;
    service.environment.emplace_back(entry.text().substr(0, equals),
                                     entry.text().substr(equals + 1));
  }
}

ComposeService ReadService(const YamlNode& name, const YamlNode& node) {
  ComposeService service{.name = name.text(), .line = name.line()};
  if (const auto image = Child(node, "image")) service.image = image->text();
  if (const auto command = Child(node, "command")) service.command = CommandText(*command);
  if (const auto environment = Child(node, "environment")) ReadEnvironment(*environment, service);
  if (const auto volumes = Child(node, "volumes")) {
    const Result<std::vector<YamlNode>> list = volumes->AsList();
    if (list.ok()) {
      for (const YamlNode& volume : *list) service.volumes.push_back(volume.text());
    }
  }
  std::optional<YamlNode> memory = Child(node, "deploy", "resources", "limits", "memory");
  if (!memory) memory = Child(node, "mem_limit");
  if (memory) service.memory_limit_bytes = Bytes(memory->text());
  return service;
}

}  // namespace

Result<std::vector<ComposeService>> ReadComposeFile(const std::string& file,
                                                    const std::string& text) {
  ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse(file, text));
  const std::optional<YamlNode> services = Child(root, "services");
  if (!services) return root.ErrorHere("this is no compose file: there is no \"services\"");
  ASSIGN_OR_RETURN(const Entries entries, services->AsEntries());
  std::vector<ComposeService> result;
  for (const auto& [name, node] : entries) result.push_back(ReadService(name, node));
  return result;
}

const ComposeService* FindService(const std::vector<ComposeService>& services,
                                  std::string_view name) {
  const auto found = std::ranges::find(services, name, &ComposeService::name);
  return found == services.end() ? nullptr : &*found;
}

}  // namespace tocsin::cli
