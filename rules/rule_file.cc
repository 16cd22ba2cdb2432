#include "rules/rule_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "config/yaml_reader.h"
#include "engine/promql/parser.h"
#include "engine/promql/quote.h"
#include "rules/built_in_rules.h"
#include "rules/control_comments.h"
#include "rules/expression_place.h"

namespace tocsin {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Reads one file and goes on after a broken rule, to name all errors at once.
class RuleFileReader {
 public:
  RuleFileReader(std::string file, std::string_view text, const RuleDefaults& defaults)
      : file_(std::move(file)), text_(text), defaults_(defaults) {}

  Result<std::vector<RuleGroupSpec>> Read() {
    ASSIGN_OR_RETURN(const YamlNode node, YamlNode::Parse(file_, text_));
    ASSIGN_OR_RETURN(YamlMap root, YamlMap::Open(node, "a rule file"));
    ASSIGN_OR_RETURN(const std::vector<YamlNode> list, root.OptionalList("groups"));
    std::vector<RuleGroupSpec> groups;
    for (const YamlNode& group : list) {
      // Go's YAML leaves null out of lists.
      if (group.is_null()) continue;
      Result<RuleGroupSpec> spec = ReadGroup(group);
      if (!spec.ok()) {
        Note(spec.error());
      } else {
        groups.push_back(*std::move(spec));
      }
    }
    Note(RejectUnknownFields(root));
    // With a broken rule left out, a comment could be taken for one of its neighbour.
    if (errors_.empty()) ReadComments(groups);
    for (RuleGroupSpec& group : groups) {
      CheckSlots(group);
      group.fingerprint = Fingerprint(group);
    }
    if (!errors_.empty()) return InvalidArgument(errors_);
    return groups;
  }

 private:
  void Note(const Status& status) {
    if (status.ok()) return;
    if (!errors_.empty()) errors_ += '\n';
    errors_ += status.error().message;
  }

  Status RejectUnknownFields(const YamlMap& map) const {
    return defaults_.ignore_unknown_fields ? Ok() : map.RejectUnknownFields();
  }

  Result<RuleGroupSpec> ReadGroup(const YamlNode& node) {
    ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a rule group"));
    RuleGroupSpec group;
    group.file = file_;
    group.line = node.line();
    group.column = node.column();
    ASSIGN_OR_RETURN(group.name, map.OptionalString("name"));
    if (group.name.empty()) Note(map.ErrorAt("name", "Groupname must not be empty"));
    if (!group_names_.insert(group.name).second) {
      Note(map.ErrorAt("name",
                       fmt::format("groupname: \"{}\" is repeated in the same file", group.name)));
    }
    ASSIGN_OR_RETURN(group.interval, map.OptionalDuration("interval", Duration::zero()));
    if (group.interval == Duration::zero()) group.interval = defaults_.interval;
    ASSIGN_OR_RETURN(group.query_offset,
                     map.OptionalDuration("query_offset", defaults_.query_offset));
    // Go's YAML cuts the fraction of a number off.
    ASSIGN_OR_RETURN(const double limit, map.OptionalDouble("limit", 0));
    group.limit = std::llround(std::trunc(std::clamp(limit, -1e15, 1e15)));
    ASSIGN_OR_RETURN(const Labels labels, map.OptionalStringMap("labels"));
    for (const auto& [name, value] : labels) Note(CheckLabel(map, group.name, name, value));
    ASSIGN_OR_RETURN(const std::vector<YamlNode> rules, map.OptionalList("rules"));
    for (size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].is_null()) continue;
      context_ = fmt::format("group \"{}\", rule {}, ", group.name, i + 1);
      Result<RuleSpec> rule = ReadRule(rules[i], labels);
      if (!rule.ok()) {
        Note(rule.error());
      } else {
        group.rules.push_back(*std::move(rule));
      }
    }
    ReadExtensionFields(map, GroupExtensionRows(), group.extensions,
                        fmt::format("group \"{}\": ", group.name));
    RETURN_IF_ERROR(RejectUnknownFields(map));
    return group;
  }

  static Status CheckLabel(const YamlMap& map, const std::string& group, const std::string& name,
                           const std::string& value) {
    const std::string what = WrongLabel(name, value);
    if (what.empty()) return Ok();
    return map.ErrorAt("labels", fmt::format("group \"{}\": {}", group, what));
  }

  static std::string WrongLabel(const std::string& name, const std::string& value) {
    if (name.empty() || name == kMetricName || !IsValidUtf8(name)) {
      return "invalid label name: " + name;
    }
    return IsValidUtf8(value) ? "" : "invalid label value: " + value;
  }

  // --- rules --------------------------------------------------------------------------------

  Result<RuleSpec> ReadRule(const YamlNode& node, const Labels& group_labels) {
    ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a rule"));
    RuleSpec rule;
    rule.line = node.line();
    rule.column = node.column();
    ASSIGN_OR_RETURN(const std::string record, map.OptionalString("record"));
    ASSIGN_OR_RETURN(const std::string alert, map.OptionalString("alert"));
    rule.alerting = record.empty();
    rule.name = rule.alerting ? alert : record;
    where_ = fmt::format("{}\"{}\": ", context_, rule.name);
    if (!record.empty() && !alert.empty()) {
      Note(map.ErrorAt("alert", where_ + "only one of 'record' and 'alert' must be set"));
    } else if (rule.name.empty()) {
      Note(node.ErrorHere(where_ + "one of 'record' or 'alert' must be set"));
    }
    RETURN_IF_ERROR(ReadExpression(map, rule));
    RETURN_IF_ERROR(ReadDurations(map, rule));
    ASSIGN_OR_RETURN(Labels labels, map.OptionalStringMap("labels"));
    ASSIGN_OR_RETURN(Labels annotations, map.OptionalStringMap("annotations"));
    ReadExtensionFields(map, RuleExtensionRows(), rule.extensions, where_);
    RETURN_IF_ERROR(RejectUnknownFields(map));
    for (const auto& [name, value] : labels) {
      const std::string what = WrongLabel(name, value);
      if (!what.empty()) Note(map.ErrorAt("labels", where_ + what));
    }
    for (const LabelSet::Pair& pair : group_labels) {
      if (!std::ranges::count(labels, pair.first, &LabelSet::Pair::first)) labels.push_back(pair);
    }
    std::ranges::sort(labels);
    std::ranges::sort(annotations);
    rule.labels = LabelSet::FromPairs(labels);
    rule.annotations = LabelSet::FromPairs(annotations);
    if (rule.alerting) {
      ReadTemplates(map, "label", labels, rule, rule.label_templates);
      ReadTemplates(map, "annotation", annotations, rule, rule.annotation_templates);
    } else {
      rule.label_overrides = std::move(labels);
      CheckRecord(map, rule);
    }
    return rule;
  }

  Status ReadDurations(YamlMap& map, RuleSpec& rule) {
    ASSIGN_OR_RETURN(rule.hold, map.OptionalDuration("for", Duration::zero()));
    ASSIGN_OR_RETURN(rule.keep_firing_for,
                     map.OptionalDuration("keep_firing_for", Duration::zero()));
    return Ok();
  }

  Status ReadExpression(YamlMap& map, RuleSpec& rule) {
    const std::optional<YamlNode> node = map.Find("expr");
    if (!node || (node->kind() == YamlNode::Kind::kScalar && node->text().empty())) {
      Note(map.ErrorAt("expr", where_ + "field 'expr' must be set in rule"));
      return Ok();
    }
    ASSIGN_OR_RETURN(const std::string text, node->AsString());
    auto query = promql::ParseQuery(text, defaults_.parser);
    if (query.ok()) {
      rule.query = *std::move(query);
      return Ok();
    }
    const std::vector<promql::ParseError> errors = promql::FindParseErrors(text, defaults_.parser);
    const size_t offset =
        errors.empty() ? 0 : static_cast<size_t>(std::max(errors[0].position.begin, 0));
    const TextPlace place =
        PlaceInYaml(text_, {node->line(), node->column()}, text.substr(0, offset));
    Note(InvalidArgument(fmt::format("{}:{}:{}: {}could not parse expression: {}", file_,
                                     place.line, place.column, where_, query.error().message)));
    return Ok();
  }

  void CheckRecord(YamlMap& map, const RuleSpec& rule) {
    std::vector<std::string_view> fields;
    if (!rule.annotations.empty()) fields.emplace_back("annotations");
    if (rule.hold != Duration::zero()) fields.emplace_back("for");
    if (rule.keep_firing_for != Duration::zero()) fields.emplace_back("keep_firing_for");
    for (const ExtensionRow<RuleExtensions>& row : RuleExtensionRows()) fields.push_back(row.name);
    for (const std::string_view field : fields) {
      if (!map.Find(field)) continue;
      Note(
          map.ErrorAt(field, fmt::format("{}invalid field '{}' in recording rule", where_, field)));
    }
    if (rule.name.find_first_of("{}") != std::string::npos) {
      Note(map.ErrorAt("record", fmt::format("{}braces present in the recording rule name; should "
                                             "it be in expr?: {}",
                                             where_, rule.name)));
    } else if (!IsValidUtf8(rule.name)) {
      Note(map.ErrorAt("record",
                       fmt::format("{}invalid recording rule name: {}", where_, rule.name)));
    }
  }

  // `what`: "label" or "annotation"; the field is its plural.
  void ReadTemplates(YamlMap& map, std::string_view what, const Labels& texts, const RuleSpec& rule,
                     std::vector<TemplatedLabel>& into) {
    for (const auto& [name, text] : texts) {
      const std::string field = std::string(what) + "s";
      if (name.empty() || !IsValidUtf8(name)) {
        Note(map.ErrorAt(field, fmt::format("{}invalid {} name: {}", where_, what, name)));
        continue;
      }
      Result<AlertTemplate> parsed = AlertTemplate::Parse(rule.name, text);
      if (parsed.ok() && parsed->beyond_prometheus() && !defaults_.extension_fields) {
        Note(PlaceOf(map, field, name)
                 .ErrorHere(fmt::format("{}{} \"{}\": Prometheus has no $activeAt, $expr, $for and "
                                        "$interval",
                                        where_, what, name)));
      } else if (parsed.ok()) {
        into.push_back({name, *std::move(parsed)});
      } else {
        Note(PlaceOf(map, field, name)
                 .ErrorHere(
                     fmt::format("{}{} \"{}\": {}", where_, what, name, parsed.error().message)));
      }
    }
  }

  // The value of an entry of a field that is a mapping; the rule itself when a group's label is
  // meant.
  static YamlNode PlaceOf(YamlMap& map, std::string_view field, std::string_view name) {
    const std::optional<YamlNode> node = map.Find(field);
    if (!node) return map.node();
    const Result<std::vector<YamlNode::Entry>> entries = node->AsEntries();
    if (entries.ok()) {
      for (const auto& [key, value] : *entries) {
        if (key.text() == name) return value;
      }
    }
    return map.node();
  }

  // --- extensions ---------------------------------------------------------------------------

  template <typename Extensions>
  void ReadExtensionFields(YamlMap& map, const std::vector<ExtensionRow<Extensions>>& rows,
                           Extensions& into, const std::string& where) {
    for (const ExtensionRow<Extensions>& row : rows) {
      const std::optional<YamlNode> node = map.Find(row.name);
      if (!node) continue;
      if (!defaults_.extension_fields) {
        Note(map.ErrorAt(row.name,
                         fmt::format("{}Prometheus refuses the field \"{}\"; write it as a "
                                     "comment: # tocsin: {}={}",
                                     where, row.name, row.name, node->text())));
        continue;
      }
      const Result<std::string> value = node->AsString();
      const Status status =
          value.ok() ? row.read(*value, defaults_.parser, into) : Status(value.error());
      if (!status.ok()) {
        Note(node->ErrorHere(fmt::format("{}{}: {}", where, row.name, status.error().message)));
      }
    }
  }

  void ReadComments(std::vector<RuleGroupSpec>& groups) {
    for (const ControlComment& comment : FindControlComments(text_)) {
      const std::optional<ControlComment::Setting> setting = comment.AsSetting();
      if (!setting) continue;
      const std::string what = ReadComment(comment, *setting, groups);
      if (what.empty()) continue;
      Note(InvalidArgument(
          fmt::format("{}:{}:{}: # tocsin: {}", file_, comment.line, comment.column, what)));
    }
  }

  // Returns what is wrong.
  std::string ReadComment(const ControlComment& comment, const ControlComment::Setting& setting,
                          std::vector<RuleGroupSpec>& groups) {
    const auto of_rule =
        std::ranges::find(RuleExtensionRows(), setting.name, &ExtensionRow<RuleExtensions>::name);
    const auto of_group =
        std::ranges::find(GroupExtensionRows(), setting.name, &ExtensionRow<GroupExtensions>::name);
    std::vector<PlaceOfItem> places;
    for (const RuleGroupSpec& group : groups) places.push_back({group.line, group.column});
    const std::optional<size_t> group = OwnerOf(comment, places);
    if (of_group != GroupExtensionRows().end()) {
      if (!group) return fmt::format("{}: there is no group here", setting.name);
      return SetFromComment(*of_group, setting, groups[*group].extensions);
    }
    if (of_rule == RuleExtensionRows().end()) return Unknown(setting.name);
    std::vector<RuleSpec*> rules;
    places.clear();
    int open_since = 0;
    for (RuleGroupSpec& each : groups) {
      if (each.line <= comment.line) open_since = each.line;
      for (RuleSpec& rule : each.rules) {
        rules.push_back(&rule);
        places.push_back({rule.line, rule.column});
      }
    }
    const std::optional<size_t> rule = OwnerOf(comment, places, open_since);
    if (!rule) return fmt::format("{}: there is no rule here", setting.name);
    if (!rules[*rule]->alerting) {
      return fmt::format("{}: invalid for the recording rule \"{}\"", setting.name,
                         rules[*rule]->name);
    }
    return SetFromComment(*of_rule, setting, rules[*rule]->extensions);
  }

  template <typename Extensions>
  std::string SetFromComment(const ExtensionRow<Extensions>& row,
                             const ControlComment::Setting& setting, Extensions& into) {
    const Status status = row.read(std::string(setting.value), defaults_.parser, into);
    return status.ok() ? "" : fmt::format("{}: {}", row.name, status.error().message);
  }

  static std::string Unknown(std::string_view name) {
    std::vector<std::string> known;
    for (const auto& row : RuleExtensionRows()) known.emplace_back(row.name);
    for (const auto& row : GroupExtensionRows()) known.emplace_back(row.name);
    const std::string_view nearest = NearestWord(name, known);
    if (nearest.empty()) return fmt::format("unknown setting \"{}\"", name);
    return fmt::format("unknown setting \"{}\"; did you mean \"{}\"?", name, nearest);
  }

  void CheckSlots(const RuleGroupSpec& group) {
    const Duration offset = group.extensions.eval_offset.value_or(Duration::zero());
    if (offset < group.interval && -offset < group.interval) return;
    Note(InvalidArgument(fmt::format(
        "{}:{}:{}: group \"{}\": eval_offset must be less than the interval, {}", file_, group.line,
        group.column, group.name, FormatPrometheusDuration(group.interval))));
  }

  // --- fingerprints -------------------------------------------------------------------------

  static std::string Fingerprint(const RuleGroupSpec& group) {
    std::string out =
        fmt::format("{}\n{}\n{}{}", group.interval.count(), group.query_offset.count(), group.limit,
                    tocsin::Fingerprint(group.extensions));
    for (const RuleSpec& rule : group.rules) out += '\n' + RuleFingerprint(rule);
    return out;
  }
  static std::string RuleFingerprint(const RuleSpec& rule) {
    // Labels that are written empty are in no label set, and remove the sample's.
    std::string removed;
    for (const auto& [name, value] : rule.label_overrides) {
      if (value.empty()) removed += ' ' + promql::Quote(name);
    }
    for (const TemplatedLabel& label : rule.label_templates) {
      if (label.value.text().empty()) removed += ' ' + promql::Quote(label.name);
    }
    return fmt::format("{} {} {} for {} keep {} labels {} annotations {} removed{}{}",
                       rule.alerting ? "alert" : "record", promql::Quote(rule.name),
                       rule.query == nullptr ? "" : rule.query->text(), rule.hold.count(),
                       rule.keep_firing_for.count(), rule.labels.ToString(),
                       rule.annotations.ToString(), removed, tocsin::Fingerprint(rule.extensions));
  }

  const std::string file_;
  const std::string_view text_;
  const RuleDefaults& defaults_;
  std::set<std::string> group_names_;
  std::string context_;  // group and rule number, for messages
  std::string where_;    // and the rule's name
  std::string errors_;
};

bool HasWildcard(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

}  // namespace

Result<std::vector<RuleGroupSpec>> ParseRuleFile(const std::string& file, std::string_view text,
                                                 const RuleDefaults& defaults) {
  return RuleFileReader(file, text, defaults).Read();
}

Result<RuleFiles> LoadRuleFiles(const FileSystem& files, const Config& config,
                                const promql::ParserOptions& parser) {
  const RuleDefaults defaults{.interval = config.global.evaluation_interval,
                              .query_offset = config.global.rule_query_offset,
                              .parser = parser};
  RuleFiles result;
  std::set<std::string> paths;
  for (const std::string& pattern : config.rule_files) {
    const std::string resolved = ResolvePath(config.path, pattern);
    const std::vector<std::string> found = files.Glob(resolved);
    if (found.empty() && !HasWildcard(resolved)) {
      return NotFound(fmt::format("rule file {}: \"{}\" does not point to an existing file",
                                  resolved, pattern));
    }
    if (found.empty()) {
      result.warnings.push_back(fmt::format("rule_files: no file matches \"{}\"", pattern));
    }
    paths.insert(found.begin(), found.end());
  }
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::string text, files.Read(path));
    ASSIGN_OR_RETURN(std::vector<RuleGroupSpec> groups, ParseRuleFile(path, text, defaults));
    std::ranges::move(groups, std::back_inserter(result.groups));
  }
  ASSIGN_OR_RETURN(std::vector<RuleGroupSpec> built_in,
                   ParseRuleFile(kBuiltInRulesFile, BuiltInRules(config), defaults));
  std::ranges::move(built_in, std::back_inserter(result.groups));
  return result;
}

}  // namespace tocsin
