// Which rules the unit tests have looked at.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

#include "engine/model/matcher.h"
#include "engine/promql/parser.h"
#include "rules/rule_group.h"

namespace tocsin::unit_test {

// Where a rule stands, which is what it is told by: several may have one name.
struct RuleKey {
  std::string file;
  int line = 0;
  std::string name;

  friend auto operator<=>(const RuleKey&, const RuleKey&) = default;
};

struct RuleCoverage {
  bool alerting = false;
  size_t results = 0;  // evaluations that gave something
  bool fired = false;  // at any time
  // What the checks of the tests said about it.
  bool expected_to_fire = false;
  bool expected_silent = false;
  bool read = false;  // of a recording rule: by a promql_expr_test, or by a rule that is covered
  std::vector<Matcher> reads;  // the names of the metrics that it selects

  // Whether a test would notice if the rule were broken: an alert must be expected once and once
  // not, a recorded series must be read.
  bool covered() const {
    return alerting ? expected_to_fire && expected_silent : read && results > 0;
  }
};

class Coverage {
 public:
  // After an evaluation.
  void Observe(const RuleGroup& group);
  // A check of an alert by name, expecting at least one or none.
  enum class Expectation { kFires, kSilent };
  void NoteAlertCheck(const std::string& alertname, Expectation expectation);
  // A query that is checked.
  void NoteQuery(const std::string& expression, const promql::ParserOptions& parser);
  void Merge(const Coverage& other);
  // At the end: what a covered rule reads is looked at through it.
  void FollowReads();

  const std::map<RuleKey, RuleCoverage>& rules() const { return rules_; }
  size_t covered() const;

 private:
  // Whether there was news.
  bool MarkRead(const std::vector<Matcher>& names);

  std::map<RuleKey, RuleCoverage> rules_;
};

}  // namespace tocsin::unit_test
