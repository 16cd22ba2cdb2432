// A rule file for the linter: its groups, and where in the file each part stands.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/result.h"
#include "config/yaml_reader.h"
#include "engine/promql/ast.h"
#include "rules/expression_place.h"
#include "rules/rule_file.h"

namespace tocsin::lint {

// Comments that steer the linter, in pint's words or with `tocsin` for `pint`.
//
//   # tocsin ignore/file                       nothing in this file is checked
//   # tocsin file/disable promql/series        this check, for the whole file
//   # tocsin file/snooze 2026-12-01 CHECK      the same until that day
//   # tocsin disable CHECK                     for the rule that it stands in or directly above
//   # tocsin snooze DATE CHECK
//   # tocsin ignore/line, ignore/next-line, ignore/begin … ignore/end
//   # tocsin file/owner NAME, rule/owner NAME
//   # tocsin rule/set promql/series min-age 1d (accepted; no meaning here)
//
// CHECK may name the metric that it is to overlook: disable promql/series(up).
struct ControlComment {
  int line = 0;
  std::string word;                // "disable", "file/owner", …
  std::string check;               // without parentheses
  std::string subject;             // in parentheses
  std::string value;               // an owner's name
  std::optional<Timestamp> until;  // of snooze
  std::string error;               // what is wrong with the comment; "" when it is right
};
std::vector<ControlComment> ReadControlComments(std::string_view text);

struct RulePlaces {
  TextPlace rule;
  TextPlace expr;                                             // of the scalar
  std::map<std::string, TextPlace, std::less<>> fields;       // keys: "alert", "expr", "for", …
  std::map<std::string, TextPlace, std::less<>> labels;       // keys
  std::map<std::string, TextPlace, std::less<>> annotations;  // keys
  int last_line = 0;
};

struct GroupPlaces {
  TextPlace group;
  TextPlace interval;
  std::vector<RulePlaces> rules;
};

struct RuleDocument {
  std::string file;
  std::string text;
  std::vector<RuleGroupSpec> groups;
  std::vector<GroupPlaces> places;  // one for each group
  std::vector<ControlComment> comments;
  bool ignored = false;

  // The name that the file/owner comment or the rule's own gives; "" when none does.
  std::string OwnerOf(const RulePlaces& rule) const;
  // Where the part of the rule's query stands in the file.
  TextPlace PlaceOf(const RulePlaces& rule, const promql::ParsedQuery& query, int32_t offset) const;
};

// What is wrong with the file itself is a finding of yaml/parse or promql/syntax, and the document
// then has no groups.
struct ReadDocument {
  RuleDocument document;
  std::vector<Finding> findings;
};
ReadDocument ReadRuleDocument(std::string file, std::string text, const RuleDefaults& defaults);

// Whether a comment of the document takes the finding away.
bool IsSilenced(const RuleDocument& document, const RulePlaces* rule, std::string_view check,
                std::string_view subject, int line, Timestamp now);

}  // namespace tocsin::lint
