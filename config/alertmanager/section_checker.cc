#include "config/alertmanager/section_checker.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "base/regex.h"
#include "config/alertmanager/matchers.h"
#include "engine/model/label_set.h"

namespace tocsin::alertmanager {
namespace {

// The first ${NAME} or $NAME that is the whole text; "" when there is none.
std::string_view Placeholder(std::string_view text) {
  const auto is_name = [](std::string_view name) {
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
           std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  };
  if (text.starts_with('$') && is_name(text.substr(1))) return text;
  for (size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 1)) {
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos) return {};
    if (is_name(text.substr(at + 2, end - at - 2))) return text.substr(at, end - at + 1);
  }
  return {};
}

// What Go's url.Parse and Alertmanager's own rules find wrong; "" when nothing.
std::string WrongUrl(std::string_view url) {
  const size_t colon = url.find("://");
  const std::string_view scheme = colon == std::string_view::npos ? "" : url.substr(0, colon);
  if (scheme != "http" && scheme != "https") {
    return fmt::format("unsupported scheme \"{}\" for URL", scheme);
  }
  std::string_view host = url.substr(colon + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const size_t at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  if (host.empty()) return "missing host for URL";
  if (host.find_first_of("{}<>\" \\^|") != std::string_view::npos) {
    return "invalid character in host name";
  }
  return {};
}

// "a|b" -> a, b
std::vector<std::string_view> Names(std::string_view joined) {
  std::vector<std::string_view> names;
  while (!joined.empty()) {
    const size_t end = std::min(joined.find('|'), joined.size());
    names.push_back(joined.substr(0, end));
    joined.remove_prefix(std::min(end + 1, joined.size()));
  }
  return names;
}

// "a|b" -> "a or b"
std::string OneOf(std::string_view joined) {
  std::string text;
  for (const std::string_view name : Names(joined)) {
    text += (text.empty() ? "" : " or ") + std::string(name);
  }
  return text;
}

std::vector<YamlNode> ListOrNothing(const YamlNode& node) {
  Result<std::vector<YamlNode>> list = node.AsList();
  return list.ok() ? *std::move(list) : std::vector<YamlNode>();
}

std::string LowerCase(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string_view FileField(FieldKind kind) {
  return kind == FieldKind::kSecretUrl ? "_file, for example api_url_file: FILE" : "_file: FILE";
}

}  // namespace

std::optional<YamlNode> Member(const YamlNode& map, std::string_view name) {
  const Result<std::vector<YamlNode::Entry>> entries = map.AsEntries();
  if (!entries.ok()) return std::nullopt;
  for (const auto& [key, value] : *entries) {
    if (key.text() == name && !value.is_null()) return value;
  }
  return std::nullopt;
}

void SectionChecker::Note(const YamlNode& at, Severity severity, std::string_view check,
                          std::string message, std::string explanation, std::string fix) {
  findings_.push_back({.severity = severity,
                       .check = std::string(check),
                       .file = at.file(),
                       .line = at.line(),
                       .column = at.column(),
                       .message = std::move(message),
                       .explanation = std::move(explanation),
                       .fix = std::move(fix)});
}

// NOLINTNEXTLINE(misc-no-recursion): the YAML reader bounds the depth
void SectionChecker::Check(const YamlNode& node, std::string_view section) {
  const Result<std::vector<YamlNode::Entry>> entries = node.AsEntries();
  if (!entries.ok()) {
    return Note(node, Severity::kError, "alertmanager/syntax", "expected a mapping");
  }
  for (const auto& [key, value] : *entries) CheckField(key, value, section);
  for (const SectionRule& rule : SectionRules()) {
    if (rule.section == section) CheckRule(node, rule);
  }
  CheckFiles(node);
}

void SectionChecker::CheckFiles(const YamlNode& node) {
  const std::vector<YamlNode::Entry> entries = *node.AsEntries();
  for (const auto& [key, value] : entries) {
    if (value.is_null() || !Member(node, key.text() + "_file")) continue;
    Note(key, Severity::kError, "alertmanager/config",
         fmt::format("at most one of {0} & {0}_file must be configured", key.text()));
  }
}

void SectionChecker::CheckRule(const YamlNode& node, const SectionRule& rule) {
  const std::vector<std::string_view> names = Names(rule.names);
  const auto wrong = [&](const YamlNode& at, std::string message) {
    Note(at, Severity::kError, "alertmanager/config", std::move(message));
  };
  const auto is_there = [&](std::string_view name) { return Member(node, name).has_value(); };
  switch (rule.kind) {
    case SectionRule::Kind::kAtMostOne:
      if (std::ranges::count_if(names, is_there) > 1) {
        wrong(node, fmt::format("at most one of {} must be configured", OneOf(rule.names)));
      }
      return;
    case SectionRule::Kind::kAllOf:
      for (const std::string_view name : names) {
        if (!is_there(name)) wrong(node, fmt::format("missing {} in {}", name, rule.section));
      }
      return;
    case SectionRule::Kind::kOneOf: {
      const std::optional<YamlNode> value = Member(node, rule.field);
      if (!value || value->text().empty()) return;
      if (std::ranges::find(names, value->text()) != names.end()) return;
      return wrong(*value, fmt::format("{}: \"{}\" is not {}", rule.field, value->text(),
                                       OneOf(rule.names)));
    }
  }
}

void SectionChecker::CheckLabelName(const YamlNode& at, std::string_view name,
                                    const FieldRow& row) {
  if (IsLegacyLabelName(name) || (row.name == "group_by" && name == "...")) return;
  Note(at, Severity::kError, "alertmanager/config",
       fmt::format("invalid label name \"{}\" in {}", name, row.name));
}

// NOLINTNEXTLINE(misc-no-recursion): the YAML reader bounds the depth
void SectionChecker::CheckField(const YamlNode& key, const YamlNode& value,
                                std::string_view section) {
  const FieldRow* const row = FindField(section, key.text());
  if (row == nullptr) return Unknown(key, section);
  if (!value.is_null()) CheckValue(value, *row);
}

void SectionChecker::Unknown(const YamlNode& key, std::string_view section) {
  std::string fix;
  if (const std::string_view advice = AdviceFor(section, key.text()); !advice.empty()) {
    fix = "write " + std::string(advice);
  } else if (const std::vector<std::string> names = FieldNames(section);
             !NearestWord(key.text(), names).empty()) {
    fix = "did you mean \"" + std::string(NearestWord(key.text(), names)) + "\"?";
  }
  Note(key, Severity::kError, "alertmanager/unknown_field",
       fmt::format("field {} not found in {}", key.text(),
                   section == "file" ? "the configuration" : section),
       "", std::move(fix));
}

// NOLINTNEXTLINE(misc-no-recursion): the YAML reader bounds the depth
void SectionChecker::CheckValue(const YamlNode& value, const FieldRow& row) {
  switch (row.kind) {
    case FieldKind::kAny:
      return;
    case FieldKind::kSection:
      return Check(value, row.of);
    case FieldKind::kSections: {
      const Result<std::vector<YamlNode>> list = value.AsList();
      if (!list.ok())
        return Note(value, Severity::kError, "alertmanager/syntax", "expected a list");
      for (const YamlNode& one : *list) Check(one, row.of);
      return;
    }
    case FieldKind::kTexts:
      return CheckTexts(value, row);
    case FieldKind::kLabels:
      CheckTexts(value, row);
      for (const YamlNode& label : ListOrNothing(value)) CheckLabelName(label, label.text(), row);
      return;
    case FieldKind::kTextMap:
    case FieldKind::kLabelMap:
    case FieldKind::kRegexMap:
      return CheckMap(value, row);
    case FieldKind::kMatchers:
      return CheckMatchers(value);
    case FieldKind::kText:
    case FieldKind::kSecret:
    case FieldKind::kUrl:
    case FieldKind::kSecretUrl:
    case FieldKind::kAddress:
    case FieldKind::kBool:
    case FieldKind::kInt:
    case FieldKind::kDuration:
      return CheckScalar(value, row);
  }
}

void SectionChecker::CheckTexts(const YamlNode& value, const FieldRow& row) {
  const Result<std::vector<std::string>> texts = value.AsStringList();
  if (!texts.ok()) {
    Note(value, Severity::kError, "alertmanager/syntax",
         fmt::format("{}: expected a list of texts", row.name));
  }
}

void SectionChecker::CheckMap(const YamlNode& value, const FieldRow& row) {
  const auto pairs = value.AsStringMap();
  if (!pairs.ok()) {
    return Note(value, Severity::kError, "alertmanager/syntax",
                fmt::format("{}: expected names and texts", row.name));
  }
  if (row.kind == FieldKind::kTextMap) return CheckHeaders(value, row);
  for (const auto& [name, pattern] : *pairs) {
    CheckLabelName(value, name, row);
    if (row.kind != FieldKind::kRegexMap) continue;
    const Result<Regex> regex = Regex::CompileAnchored(pattern);
    if (!regex.ok()) {
      Note(value, Severity::kError, "alertmanager/syntax",
           fmt::format("{}: {}: {}", row.name, name, regex.error().message));
    }
  }
}

// The names of headers are told apart without regard to case.
void SectionChecker::CheckHeaders(const YamlNode& value, const FieldRow& row) {
  if (row.name != "headers") return;
  std::vector<std::string> seen;
  const std::vector<YamlNode::Entry> entries = *value.AsEntries();
  for (const auto& [key, text] : entries) {
    const std::string name = LowerCase(key.text());
    if (std::ranges::find(seen, name) != seen.end()) {
      Note(key, Severity::kError, "alertmanager/config",
           fmt::format("duplicate header \"{}\"", key.text()));
    }
    seen.push_back(name);
  }
}

void SectionChecker::CheckMatchers(const YamlNode& value) {
  std::vector<YamlNode> texts = {value};
  if (value.kind() == YamlNode::Kind::kSequence) texts = *value.AsList();
  for (const YamlNode& text : texts) {
    const Result<std::vector<Matcher>> matchers = ParseMatchers(text.text());
    if (!matchers.ok()) {
      Note(text, Severity::kError, "alertmanager/syntax", matchers.error().message);
    }
  }
}

void SectionChecker::CheckScalar(const YamlNode& value, const FieldRow& row) {
  const auto wrong = [&](const Status& status) {
    if (status.ok()) return;
    Note(value, Severity::kError, "alertmanager/syntax",
         std::string(row.name) + ": " + FindingsOf(status.error(), value.file(), "")[0].message);
  };
  const auto status_of = [](const auto& result) {
    return result.ok() ? Ok() : Status(result.error());
  };
  if (value.kind() != YamlNode::Kind::kScalar) {
    return Note(value, Severity::kError, "alertmanager/syntax",
                fmt::format("{}: expected one value", row.name));
  }
  const std::string_view placeholder = Placeholder(value.text());
  if (row.kind == FieldKind::kUrl || row.kind == FieldKind::kSecretUrl) return CheckUrl(value, row);
  if (row.kind == FieldKind::kBool) return wrong(status_of(value.AsBool()));
  if (row.kind == FieldKind::kInt) return wrong(status_of(value.AsInt()));
  if (row.kind == FieldKind::kDuration) return wrong(status_of(value.AsDuration()));
  if (row.kind == FieldKind::kAddress && value.text().find(':') == std::string::npos) {
    Note(value, Severity::kError, "alertmanager/syntax",
         fmt::format("{}: address {}: missing port in address", row.name, value.text()), "",
         "write HOST:PORT, for example mail.example:587");
  }
  if (placeholder.empty()) return;
  const bool secret = row.kind == FieldKind::kSecret;
  Note(value, Severity::kWarning, "alertmanager/placeholder",
       fmt::format("{} is taken as it is: Alertmanager expands no environment variables",
                   placeholder),
       secret ? "the text itself is sent as the secret, and refused by the other side" : "",
       secret ? std::string(row.name) + std::string(FileField(row.kind))
              : "write the value, or let the deployment put it in (envsubst)");
}

void SectionChecker::CheckUrl(const YamlNode& value, const FieldRow& row) {
  const std::string problem = WrongUrl(value.text());
  const std::string_view placeholder = Placeholder(value.text());
  if (problem.empty() && placeholder.empty()) return;
  const bool shown = row.kind == FieldKind::kUrl || !placeholder.empty();
  const std::string what =
      shown ? fmt::format("{}: \"{}\"", row.name, value.text()) : std::string(row.name);
  std::string fix = "write http://… or https://…";
  if (!placeholder.empty()) {
    const std::string file_field = std::string(row.name) + "_file";
    const bool has_file = FindField(row.section, file_field) != nullptr;
    fix = has_file ? "put the URL into a file and write " + file_field + ": FILE"
                   : "write the URL, or let the deployment put it in (envsubst)";
  }
  Note(value, problem.empty() ? Severity::kWarning : Severity::kError,
       placeholder.empty() ? "alertmanager/url" : "alertmanager/placeholder",
       problem.empty() ? what : what + ": " + problem,
       placeholder.empty()
           ? ""
           : std::string(placeholder) +
                 " is taken as it is: Alertmanager expands no environment variables",
       std::move(fix));
}

}  // namespace tocsin::alertmanager
