#include "config/alertmanager/configuration.h"

#include <fmt/core.h>

#include <algorithm>

#include <set>

#include "config/alertmanager/matchers.h"
#include "config/alertmanager/schema.h"
#include "config/alertmanager/section_checker.h"
#include "engine/model/label_set.h"

namespace tocsin::alertmanager {
namespace {

Place PlaceOf(const YamlNode& node) { return {node.line(), node.column()}; }

std::string TextOf(const YamlNode& map, std::string_view name) {
  const std::optional<YamlNode> value = Member(map, name);
  return value ? value->text() : "";
}

std::vector<std::string> TextsOf(const YamlNode& map, std::string_view name) {
  const std::optional<YamlNode> value = Member(map, name);
  if (!value) return {};
  const Result<std::vector<std::string>> texts = value->AsStringList();
  return texts.ok() ? *texts : std::vector<std::string>();
}

std::vector<YamlNode> ListOf(const YamlNode& map, std::string_view name) {
  const std::optional<YamlNode> value = Member(map, name);
  if (!value) return {};
  const Result<std::vector<YamlNode>> list = value->AsList();
  return list.ok() ? *list : std::vector<YamlNode>();
}

// One of the three spellings of matchers: "match", "match_re", "matchers" behind a prefix.
void AddMap(const YamlNode& map, std::string_view name, MatchOp op, std::vector<Matcher>& into) {
  const std::optional<YamlNode> value = Member(map, name);
  if (!value) return;
  const auto pairs = value->AsStringMap();
  if (!pairs.ok()) return;
  for (const auto& [label, text] : *pairs) {
    Result<Matcher> matcher = Matcher::Make(op, label, text);
    if (matcher.ok()) into.push_back(*std::move(matcher));
  }
}

void AddTexts(const YamlNode& map, std::string_view name, std::vector<Matcher>& into) {
  const std::optional<YamlNode> value = Member(map, name);
  if (!value) return;
  std::vector<YamlNode> texts = {*value};
  if (value->kind() == YamlNode::Kind::kSequence) texts = *value->AsList();
  for (const YamlNode& text : texts) {
    Result<std::vector<Matcher>> matchers = ParseMatchers(text.text());
    if (matchers.ok()) std::ranges::move(*matchers, std::back_inserter(into));
  }
}

class Reader {
 public:
  Reader(YamlNode root, ReadConfiguration& into)
      : root_(std::move(root)), into_(into), checker_(into.findings) {}

  void Read() {
    checker_.Check(root_, "file");
    ReadReceivers();
    ReadTimeIntervals();
    ReadRoot();
    for (const YamlNode& rule : ListOf(root_, "inhibit_rules")) ReadInhibitRule(rule);
    into_.configuration.templates = TextsOf(root_, "templates");
    if (const auto templates = Member(root_, "templates")) {
      into_.configuration.templates_place = PlaceOf(*templates);
    }
  }

 private:
  void Fail(const YamlNode& at, std::string message, std::string fix = {}) {
    checker_.Note(at, Severity::kError, "alertmanager/config", std::move(message), "",
                  std::move(fix));
  }

  // --- receivers ------------------------------------------------------------------------------

  void ReadReceivers() {
    for (const YamlNode& node : ListOf(root_, "receivers")) {
      Receiver receiver{.place = PlaceOf(node), .name = TextOf(node, "name"), .integrations = {}};
      if (receiver.name.empty()) Fail(node, "missing name in receiver");
      if (into_.configuration.FindReceiver(receiver.name) != nullptr) {
        Fail(node, fmt::format("notification config name \"{}\" is not unique", receiver.name));
      }
      for (const IntegrationRow& row : Integrations()) {
        for (const YamlNode& one : ListOf(node, row.field)) {
          receiver.integrations.push_back(ReadIntegration(one, row));
        }
      }
      into_.configuration.receivers.push_back(std::move(receiver));
    }
  }

  Integration ReadIntegration(const YamlNode& node, const IntegrationRow& row) {
    Integration integration{.place = PlaceOf(node),
                            .field = std::string(row.field),
                            .send_resolved = row.send_resolved};
    if (const auto value = Member(node, "send_resolved")) {
      const Result<bool> flag = value->AsBool();
      if (flag.ok()) integration.send_resolved = *flag;
    }
    const std::optional<YamlNode> global = Member(root_, "global");
    for (const IntegrationRow::Need& need : row.needs) {
      if (HasAny(node, need.any_of) || (global && HasAny(*global, need.global))) continue;
      std::string fix = "set " + std::string(need.any_of.substr(0, need.any_of.find('|')));
      if (!need.global.empty()) {
        fix += fmt::format(", or global.{}", need.global.substr(0, need.global.find('|')));
      }
      Fail(node, fmt::format("missing {} in {}", OneOf(need.any_of), row.field), std::move(fix));
    }
    return integration;
  }

  static std::string OneOf(std::string_view names) {
    std::string text;
    for (const char c : names) text += c == '|' ? std::string(" or ") : std::string(1, c);
    return text;
  }

  static bool HasAny(const YamlNode& node, std::string_view names) {
    while (!names.empty()) {
      const size_t end = std::min(names.find('|'), names.size());
      const std::optional<YamlNode> value = Member(node, names.substr(0, end));
      if (value && !(value->kind() == YamlNode::Kind::kScalar && value->text().empty())) {
        return true;
      }
      names.remove_prefix(std::min(end + 1, names.size()));
    }
    return false;
  }

  // --- routes ---------------------------------------------------------------------------------

  void ReadTimeIntervals() {
    for (const char* section : {"mute_time_intervals", "time_intervals"}) {
      for (const YamlNode& node : ListOf(root_, section)) {
        const std::string name = TextOf(node, "name");
        if (name.empty()) Fail(node, "missing name in time interval");
        if (!time_intervals_.insert(name).second) {
          Fail(node, fmt::format("time interval \"{}\" is not unique", name));
        }
      }
    }
  }

  void ReadRoot() {
    const std::optional<YamlNode> node = Member(root_, "route");
    if (!node) return Fail(root_, "no routes provided", "write route: {receiver: NAME}");
    Route& root = into_.configuration.root;
    root = ReadRoute(*node, Route{});
    if (TextOf(*node, "receiver").empty())
      Fail(*node, "root route must specify a default receiver");
    if (!root.matchers.empty()) Fail(*node, "root route must not have any matchers");
    for (const char* field : {"mute_time_intervals", "active_time_intervals"}) {
      if (!TextsOf(*node, field).empty())
        Fail(*node, fmt::format("root route must not have any {}", field));
    }
    if (root.continues) Fail(*node, "cannot have continue in root route");
  }

  // NOLINTNEXTLINE(misc-no-recursion): the YAML reader bounds the depth
  Route ReadRoute(const YamlNode& node, const Route& parent) {
    Route route = parent;
    route.place = PlaceOf(node);
    route.matchers.clear();
    route.routes.clear();
    route.continues = false;
    AddMap(node, "match", MatchOp::kEqual, route.matchers);
    AddMap(node, "match_re", MatchOp::kRegex, route.matchers);
    AddTexts(node, "matchers", route.matchers);
    NoteDeprecated(node, {"match", "match_re"}, "matchers");
    if (const std::string receiver = TextOf(node, "receiver"); !receiver.empty()) {
      route.receiver = receiver;
      if (into_.configuration.FindReceiver(receiver) == nullptr) {
        Fail(*Member(node, "receiver"),
             fmt::format("undefined receiver \"{}\" used in route", receiver));
      }
    }
    if (const auto value = Member(node, "continue")) {
      const Result<bool> flag = value->AsBool();
      route.continues = flag.ok() && *flag;
    }
    if (Member(node, "group_by")) route.group_by = ReadGroupBy(node);
    ReadTimes(node, route);
    for (const YamlNode& child : ListOf(node, "routes")) {
      route.routes.push_back(ReadRoute(child, route));
    }
    return route;
  }

  std::vector<std::string> ReadGroupBy(const YamlNode& node) {
    std::vector<std::string> labels = TextsOf(node, "group_by");
    std::set<std::string> seen;
    for (const std::string& label : labels) {
      if (!seen.insert(label).second)
        Fail(node, fmt::format("duplicated label \"{}\" in group_by", label));
    }
    if (labels.size() > 1 && seen.contains("...")) {
      Fail(node, "cannot have wildcard group_by (`...`) and other labels at the same time");
    }
    return labels;
  }

  void ReadTimes(const YamlNode& node, Route& route) {
    struct Row {
      const char* field;
      Duration Route::*duration;
      bool may_be_zero;
    };
    constexpr Row kRows[] = {{"group_wait", &Route::group_wait, true},
                             {"group_interval", &Route::group_interval, false},
                             {"repeat_interval", &Route::repeat_interval, false}};
    for (const Row& row : kRows) {
      const std::optional<YamlNode> value = Member(node, row.field);
      if (!value) continue;
      const Result<Duration> duration = value->AsDuration();
      if (!duration.ok()) continue;  // said already
      route.*(row.duration) = *duration;
      if (*duration == Duration::zero() && !row.may_be_zero) {
        Fail(*value, fmt::format("{} cannot be zero", row.field));
      }
    }
    route.mute_time_intervals = TextsOf(node, "mute_time_intervals");
    route.active_time_intervals = TextsOf(node, "active_time_intervals");
    for (const std::vector<std::string>* names :
         {&route.mute_time_intervals, &route.active_time_intervals}) {
      for (const std::string& name : *names) {
        if (!time_intervals_.contains(name)) {
          Fail(node, fmt::format("undefined time interval \"{}\" used in route", name));
        }
      }
    }
  }

  // --- inhibition -----------------------------------------------------------------------------

  void ReadInhibitRule(const YamlNode& node) {
    InhibitRule rule{.place = PlaceOf(node), .source = {}, .target = {}, .equal = {}};
    AddMap(node, "source_match", MatchOp::kEqual, rule.source);
    AddMap(node, "source_match_re", MatchOp::kRegex, rule.source);
    AddTexts(node, "source_matchers", rule.source);
    AddMap(node, "target_match", MatchOp::kEqual, rule.target);
    AddMap(node, "target_match_re", MatchOp::kRegex, rule.target);
    AddTexts(node, "target_matchers", rule.target);
    rule.equal = TextsOf(node, "equal");
    NoteDeprecated(node, {"source_match", "source_match_re"}, "source_matchers");
    NoteDeprecated(node, {"target_match", "target_match_re"}, "target_matchers");
    into_.configuration.inhibit_rules.push_back(std::move(rule));
  }

  void NoteDeprecated(const YamlNode& node, std::initializer_list<const char*> old_fields,
                      std::string_view field) {
    const Result<std::vector<YamlNode::Entry>> entries = node.AsEntries();
    if (!entries.ok()) return;
    for (const auto& [key, value] : *entries) {
      if (std::ranges::find(old_fields, key.text()) == old_fields.end()) continue;
      checker_.Note(key, Severity::kWarning, "alertmanager/deprecated",
                    fmt::format("{} is deprecated since Alertmanager 0.22", key.text()), "",
                    "write " + Spelled(field, key.text().ends_with("_re"), value));
    }
  }

  // matchers: ['severity="critical"']
  static std::string Spelled(std::string_view field, bool regex, const YamlNode& value) {
    std::string text;
    const auto pairs = value.AsStringMap();
    if (pairs.ok()) {
      for (const auto& [name, match] : *pairs) {
        text += fmt::format("{}'{}{}{}'", text.empty() ? "" : ", ", name, regex ? "=~" : "=",
                            QuoteLabelValue(match));
      }
    }
    return fmt::format("{}: [{}]", field, text);
  }

  const YamlNode root_;
  ReadConfiguration& into_;
  SectionChecker checker_;
  std::set<std::string> time_intervals_;
};

}  // namespace

const Receiver* Configuration::FindReceiver(std::string_view name) const {
  const auto found = std::ranges::find(receivers, name, &Receiver::name);
  return found == receivers.end() ? nullptr : &*found;
}

bool ReadConfiguration::ok() const {
  return std::ranges::none_of(
      findings, [](const Finding& finding) { return finding.severity == Severity::kError; });
}

ReadConfiguration ParseConfiguration(const std::string& path, std::string_view text) {
  ReadConfiguration result;
  result.configuration.path = path;
  const Result<YamlNode> root = YamlNode::Parse(path, text);
  if (!root.ok()) {
    result.findings = FindingsOf(root.error(), path, "alertmanager/syntax");
    return result;
  }
  Reader(*root, result).Read();
  std::ranges::stable_sort(result.findings, {}, [](const Finding& finding) {
    return std::pair(finding.line, finding.column);
  });
  return result;
}

}  // namespace tocsin::alertmanager
