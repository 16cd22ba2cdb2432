#include "engine/model/relabel.h"

#include <fmt/format.h>

#include <array>

#include "base/digest.h"
#include "base/unicode.h"

namespace tocsin {
namespace {

struct ActionRow {
  std::string_view text;
  RelabelAction action;
  bool needs_target;  // writes or compares the label `target_label`
};

constexpr std::array<ActionRow, 11> kActions = {{
    {"replace", RelabelAction::kReplace, true},
    {"keep", RelabelAction::kKeep, false},
    {"drop", RelabelAction::kDrop, false},
    {"keepequal", RelabelAction::kKeepEqual, true},
    {"dropequal", RelabelAction::kDropEqual, true},
    {"hashmod", RelabelAction::kHashMod, true},
    {"labelmap", RelabelAction::kLabelMap, false},
    {"labeldrop", RelabelAction::kLabelDrop, false},
    {"labelkeep", RelabelAction::kLabelKeep, false},
    {"lowercase", RelabelAction::kLowercase, true},
    {"uppercase", RelabelAction::kUppercase, true},
}};

const ActionRow& RowOf(RelabelAction action) {
  for (const ActionRow& row : kActions) {
    if (row.action == action) return row;
  }
  return kActions[0];
}

const Regex& MatchAll() {
  static const Regex regex = *Regex::CompileAnchored("(.*)");
  return regex;
}

const Regex& RegexOf(const RelabelRule& rule) { return rule.regex ? *rule.regex : MatchAll(); }

bool IsLabelName(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

std::string JoinSources(const LabelSet& labels, const RelabelRule& rule) {
  std::string joined;
  for (size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) joined += rule.separator;
    joined += labels.Get(rule.source_labels[i]);
  }
  return joined;
}

void Replace(LabelSet& labels, const RelabelRule& rule, const std::string& value) {
  const Regex& regex = RegexOf(rule);
  std::vector<std::string_view> groups;
  if (!regex.Match(value, &groups)) return;
  const std::string target = regex.Expand(rule.target_label, groups);
  if (!IsLabelName(target)) return;
  labels.Set(target, regex.Expand(rule.replacement, groups));
}

std::string HashMod(std::string_view value, uint64_t modulus) {
  const std::array<uint8_t, 16> digest = Md5(value);
  uint64_t last_half = 0;
  for (size_t i = 8; i < 16; ++i) last_half = last_half << 8 | digest[i];
  return std::to_string(last_half % modulus);
}

void MapNames(LabelSet& labels, const RelabelRule& rule) {
  const Regex& regex = RegexOf(rule);
  const LabelSet before = labels;
  for (const auto& [name, value] : before) {
    if (regex.Matches(name)) labels.Set(regex.ReplaceAll(name, rule.replacement), value);
  }
}

void RemoveNames(LabelSet& labels, const RelabelRule& rule, bool remove_matching) {
  const Regex& regex = RegexOf(rule);
  const LabelSet before = labels;
  for (const auto& [name, value] : before) {
    if (regex.Matches(name) == remove_matching) labels.Remove(name);
  }
}

// False when the rule drops the labels.
bool ApplyRule(LabelSet& labels, const RelabelRule& rule) {
  const std::string value = JoinSources(labels, rule);
  switch (rule.action) {
    case RelabelAction::kReplace:
      Replace(labels, rule, value);
      return true;
    case RelabelAction::kKeep:
      return RegexOf(rule).Matches(value);
    case RelabelAction::kDrop:
      return !RegexOf(rule).Matches(value);
    case RelabelAction::kKeepEqual:
      return labels.Get(rule.target_label) == value;
    case RelabelAction::kDropEqual:
      return labels.Get(rule.target_label) != value;
    case RelabelAction::kHashMod:
      labels.Set(rule.target_label, HashMod(value, rule.modulus));
      return true;
    case RelabelAction::kLabelMap:
      MapNames(labels, rule);
      return true;
    case RelabelAction::kLabelDrop:
      RemoveNames(labels, rule, true);
      return true;
    case RelabelAction::kLabelKeep:
      RemoveNames(labels, rule, false);
      return true;
    case RelabelAction::kLowercase:
      labels.Set(rule.target_label, ToLower(value));
      return true;
    case RelabelAction::kUppercase:
      labels.Set(rule.target_label, ToUpper(value));
      return true;
  }
  return true;
}

bool HasGroupReference(std::string_view text) { return text.find('$') != std::string_view::npos; }

Status CheckReplacement(const RelabelRule& rule) {
  const std::string_view action = RelabelActionText(rule.action);
  switch (rule.action) {
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
    case RelabelAction::kKeepEqual:
    case RelabelAction::kDropEqual:
      if (rule.replacement != RelabelRule().replacement) {
        return InvalidArgument(fmt::format("'replacement' can not be set for {} action", action));
      }
      return Ok();
    case RelabelAction::kLabelMap:
      if (!IsLabelName(rule.replacement)) {
        return InvalidArgument(
            fmt::format("\"{}\" is invalid 'replacement' for {} action", rule.replacement, action));
      }
      return Ok();
    case RelabelAction::kReplace:
    case RelabelAction::kKeep:
    case RelabelAction::kDrop:
    case RelabelAction::kHashMod:
    case RelabelAction::kLabelDrop:
    case RelabelAction::kLabelKeep:
      return Ok();
  }
  return Ok();
}

// Fields that would be ignored and are set point at a misunderstanding.
Status CheckOtherFields(const RelabelRule& rule) {
  const RelabelRule defaults;
  const std::string_view action = RelabelActionText(rule.action);
  const bool plain = rule.modulus == 0 && rule.separator == defaults.separator &&
                     rule.replacement == defaults.replacement;
  const bool equal =
      rule.action == RelabelAction::kKeepEqual || rule.action == RelabelAction::kDropEqual;
  if (equal && (!plain || rule.regex)) {
    return InvalidArgument(fmt::format(
        "{} action requires only 'source_labels' and 'target_label', and no other fields", action));
  }
  const bool by_name =
      rule.action == RelabelAction::kLabelDrop || rule.action == RelabelAction::kLabelKeep;
  if (by_name && (!plain || !rule.source_labels.empty() || !rule.target_label.empty())) {
    return InvalidArgument(
        fmt::format("{} action requires only 'regex', and no other fields", action));
  }
  return Ok();
}

}  // namespace

Result<RelabelAction> ParseRelabelAction(std::string_view text) {
  const std::string lower = ToLower(text);
  for (const ActionRow& row : kActions) {
    if (row.text == lower) return row.action;
  }
  return InvalidArgument(fmt::format("unknown relabel action \"{}\"", text));
}

std::string_view RelabelActionText(RelabelAction action) { return RowOf(action).text; }

Status CheckRelabelRule(const RelabelRule& rule) {
  const ActionRow& row = RowOf(rule.action);
  if (rule.action == RelabelAction::kHashMod && rule.modulus == 0) {
    return InvalidArgument("relabel configuration for hashmod requires non-zero modulus");
  }
  if (row.needs_target) {
    if (rule.target_label.empty()) {
      return InvalidArgument(fmt::format(
          "relabel configuration for {} action requires 'target_label' value", row.text));
    }
    const bool template_allowed = rule.action == RelabelAction::kReplace;
    if (!IsLabelName(rule.target_label) ||
        (!template_allowed && HasGroupReference(rule.target_label))) {
      return InvalidArgument(fmt::format("\"{}\" is invalid 'target_label' for {} action",
                                         rule.target_label, row.text));
    }
  }
  RETURN_IF_ERROR(CheckReplacement(rule));
  return CheckOtherFields(rule);
}

std::optional<LabelSet> Relabel(LabelSet labels, std::span<const RelabelRule> rules) {
  for (const RelabelRule& rule : rules) {
    if (!ApplyRule(labels, rule)) return std::nullopt;
  }
  return labels;
}

}  // namespace tocsin
