#include "rules/lint/rule_document.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin::lint {
namespace {

struct WordRow {
  std::string_view word;
  bool wants_check = false;
  bool wants_date = false;
  bool wants_value = false;
};
constexpr WordRow kWords[] = {
    {.word = "ignore/file"},
    {.word = "ignore/line"},
    {.word = "ignore/next-line"},
    {.word = "ignore/begin"},
    {.word = "ignore/end"},
    {.word = "disable", .wants_check = true},
    {.word = "snooze", .wants_check = true, .wants_date = true},
    {.word = "file/disable", .wants_check = true},
    {.word = "file/snooze", .wants_check = true, .wants_date = true},
    {.word = "file/owner", .wants_value = true},
    {.word = "rule/owner", .wants_value = true},
    {.word = "rule/set", .wants_value = true},
};

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view TakeWord(std::string_view& rest) {
  rest = Trim(rest);
  const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = Trim(rest.substr(end));
  return word;
}

// "2026-12-01" or a full RFC 3339 time.
std::optional<Timestamp> ReadDate(std::string_view text) {
  const std::string full(text);
  const Result<Timestamp> time =
      ParseRfc3339(full.find('T') == std::string::npos ? full + "T00:00:00Z" : full);
  return time.ok() ? std::optional(*time) : std::nullopt;
}

// check or check(subject)
void ReadCheck(std::string_view text, ControlComment& comment) {
  const size_t open = text.find('(');
  comment.check = Trim(text.substr(0, open));
  if (open == std::string_view::npos) return;
  std::string_view subject = text.substr(open + 1);
  if (subject.ends_with(')')) subject.remove_suffix(1);
  comment.subject = Trim(subject);
}

ControlComment ReadComment(std::string_view text, int line) {
  ControlComment comment{.line = line, .word = std::string(TakeWord(text))};
  const auto* row = std::ranges::find(kWords, comment.word, &WordRow::word);
  if (row == std::end(kWords)) {
    comment.error = "unknown control comment \"" + comment.word + "\"";
    return comment;
  }
  if (row->wants_date) {
    const std::string date(TakeWord(text));
    comment.until = ReadDate(date);
    if (!comment.until) comment.error = "\"" + date + "\" is no date; write 2026-12-31";
  }
  if (row->wants_check) ReadCheck(text, comment);
  if (row->wants_value) comment.value = text;
  const bool missing =
      (row->wants_check && comment.check.empty()) || (row->wants_value && comment.value.empty());
  if (missing && comment.error.empty()) {
    comment.error = "\"" + comment.word + "\" wants " +
                    (row->wants_check ? "the name of a check" : "a value") + " behind it";
  }
  return comment;
}

template <typename Keys>
void ReadKeys(const YamlNode& map, Keys& keys) {
  const Result<std::vector<YamlNode::Entry>> entries = map.AsEntries();
  if (!entries.ok()) return;
  for (const auto& [key, value] : *entries) {
    keys.emplace(key.text(), TextPlace{key.line(), key.column()});
  }
}

RulePlaces PlacesOfRule(const YamlNode& node) {
  RulePlaces places{.rule = {node.line(), node.column()}, .last_line = node.line()};
  const Result<std::vector<YamlNode::Entry>> entries = node.AsEntries();
  if (!entries.ok()) return places;
  for (const auto& [key, value] : *entries) {
    places.fields.emplace(key.text(), TextPlace{key.line(), key.column()});
    if (key.text() == "expr") places.expr = {value.line(), value.column()};
    if (key.text() == "labels") ReadKeys(value, places.labels);
    if (key.text() == "annotations") ReadKeys(value, places.annotations);
  }
  return places;
}

GroupPlaces PlacesOfGroup(const YamlNode& node) {
  GroupPlaces places{.group = {node.line(), node.column()}, .interval = {node.line(), 0}};
  const Result<std::vector<YamlNode::Entry>> entries = node.AsEntries();
  if (!entries.ok()) return places;
  for (const auto& [key, value] : *entries) {
    if (key.text() == "interval") places.interval = {key.line(), key.column()};
    if (key.text() != "rules") continue;
    const Result<std::vector<YamlNode>> rules = value.AsList();
    if (!rules.ok()) continue;
    for (const YamlNode& rule : *rules) places.rules.push_back(PlacesOfRule(rule));
  }
  return places;
}

// A rule goes on until the next one begins.
void SetLastLines(std::vector<GroupPlaces>& groups, int lines) {
  RulePlaces* before = nullptr;
  for (GroupPlaces& group : groups) {
    if (before != nullptr) before->last_line = group.group.line - 1;
    for (RulePlaces& rule : group.rules) {
      if (before != nullptr && before->rule.line < rule.rule.line) {
        before->last_line = rule.rule.line - 1;
      }
      before = &rule;
    }
  }
  if (before != nullptr) before->last_line = lines;
}

std::vector<GroupPlaces> PlacesOfFile(const std::string& file, const std::string& text) {
  std::vector<GroupPlaces> places;
  const Result<YamlNode> root = YamlNode::Parse(file, text);
  if (!root.ok()) return places;
  const Result<std::vector<YamlNode::Entry>> entries = root->AsEntries();
  if (!entries.ok()) return places;
  for (const auto& [key, value] : *entries) {
    if (key.text() != "groups") continue;
    const Result<std::vector<YamlNode>> groups = value.AsList();
    if (!groups.ok()) continue;
    for (const YamlNode& group : *groups) places.push_back(PlacesOfGroup(group));
  }
  SetLastLines(places, static_cast<int>(std::ranges::count(text, '\n')) + 1);
  return places;
}

// Comments directly above a rule belong to it, and not to the one before.
int FirstLineOf(const RuleDocument& document, const RulePlaces& rule) {
  int line = rule.rule.line;
  std::vector<std::string_view> lines;
  std::string_view rest = document.text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  while (line >= 2 && static_cast<size_t>(line - 2) < lines.size() &&
         Trim(lines[static_cast<size_t>(line - 2)]).starts_with('#')) {
    --line;
  }
  return line;
}

bool InRule(const RuleDocument& document, const RulePlaces& rule, int line) {
  const int first = FirstLineOf(document, rule);
  if (line < first || line > rule.last_line) return false;
  // What stands above the next rule is the next rule's.
  for (const GroupPlaces& group : document.places) {
    for (const RulePlaces& other : group.rules) {
      if (other.rule.line > rule.rule.line && line >= FirstLineOf(document, other)) return false;
    }
  }
  return true;
}

bool InIgnoredLines(const RuleDocument& document, int line) {
  bool ignoring = false;
  for (const ControlComment& comment : document.comments) {
    if (comment.word == "ignore/line" && comment.line == line) return true;
    if (comment.word == "ignore/next-line" && comment.line + 1 == line) return true;
    if (comment.line > line) break;
    if (comment.word == "ignore/begin") ignoring = true;
    if (comment.word == "ignore/end") ignoring = false;
  }
  return ignoring;
}

}  // namespace

std::vector<ControlComment> ReadControlComments(std::string_view text) {
  std::vector<ControlComment> comments;
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t hash = content.find('#');
    if (hash == std::string_view::npos) continue;
    std::string_view comment = Trim(content.substr(hash + 1));
    const std::string_view tool = TakeWord(comment);
    // "# tocsin: on_missing=keep" is a setting of the rule, not for the linter.
    if (tool == "pint" || tool == "tocsin" || tool == "tocsin:") {
      const bool like_one = comment.find('/') != std::string_view::npos ||
                            comment.starts_with("disable") || comment.starts_with("snooze");
      if (like_one) comments.push_back(ReadComment(comment, line));
    }
  }
  return comments;
}

std::string RuleDocument::OwnerOf(const RulePlaces& rule) const {
  std::string owner;
  for (const ControlComment& comment : comments) {
    if (comment.word == "file/owner") owner = comment.value;
  }
  for (const ControlComment& comment : comments) {
    if (comment.word == "rule/owner" && InRule(*this, rule, comment.line)) owner = comment.value;
  }
  return owner;
}

TextPlace RuleDocument::PlaceOf(const RulePlaces& rule, const promql::ParsedQuery& query,
                                int32_t offset) const {
  const auto at = static_cast<size_t>(std::max(offset, 0));
  const std::string_view before = std::string_view(query.text()).substr(0, at);
  return PlaceInYaml(text, rule.expr, before);
}

ReadDocument ReadRuleDocument(std::string file, std::string text, const RuleDefaults& defaults) {
  ReadDocument result;
  RuleDocument& document = result.document;
  document.file = std::move(file);
  document.text = std::move(text);
  document.comments = ReadControlComments(document.text);
  document.ignored = std::ranges::any_of(
      document.comments, [](const ControlComment& c) { return c.word == "ignore/file"; });
  if (document.ignored) return result;
  Result<std::vector<RuleGroupSpec>> groups = ParseRuleFile(document.file, document.text, defaults);
  if (!groups.ok()) {
    result.findings = FindingsOf(groups.error(), document.file, "yaml/parse");
    for (Finding& finding : result.findings) {
      const bool syntax = finding.message.find("could not parse expression") != std::string::npos;
      if (syntax) finding.check = "promql/syntax";
    }
    return result;
  }
  document.groups = *std::move(groups);
  document.places = PlacesOfFile(document.file, document.text);
  return result;
}

bool IsSilenced(const RuleDocument& document, const RulePlaces* rule, std::string_view check,
                std::string_view subject, int line, Timestamp now) {
  if (InIgnoredLines(document, line)) return true;
  return std::ranges::any_of(document.comments, [&](const ControlComment& comment) {
    if (comment.check != check || !comment.error.empty()) return false;
    if (!comment.subject.empty() && comment.subject != subject) return false;
    if (comment.until && now >= *comment.until) return false;
    if (comment.word.starts_with("file/")) return true;
    return rule != nullptr && InRule(document, *rule, comment.line);
  });
}

}  // namespace tocsin::lint
