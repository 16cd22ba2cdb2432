#include "rules/rule_file.h"

#include <gtest/gtest.h>

#include "tests/support/memory_files.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing_support::MemoryFiles;

constexpr std::string_view kGood = R"(groups:
  - name: app
    interval: 30s
    query_offset: 10s
    limit: 5
    labels: {team: a, severity: page}
    rules:
      - alert: Errors
        expr: errors > 0
        for: 5m
        keep_firing_for: 1m
        labels: {severity: warn, empty: ""}
        annotations: {summary: "{{ $value }}"}
      - record: job:errors:sum
        expr: |
          sum by (job) (errors)
  - name: other
)";

TEST(RuleFileTest, ReadsAllFields) {
  const auto groups = ParseRuleFile("r.yml", kGood, {.interval = 15s});
  ASSERT_TRUE(groups.ok()) << groups.error().message;
  ASSERT_EQ(groups->size(), 2u);
  const RuleGroupSpec& app = (*groups)[0];
  EXPECT_EQ(app.interval, 30s);
  EXPECT_EQ(app.query_offset, 10s);
  EXPECT_EQ(app.limit, 5);
  ASSERT_EQ(app.rules.size(), 2u);
  EXPECT_EQ(app.rules[0].hold, 5min);
  EXPECT_EQ(app.rules[0].keep_firing_for, 1min);
  EXPECT_EQ(app.rules[0].labels.ToString(), R"({severity="warn", team="a"})");
  EXPECT_EQ(app.rules[0].label_templates.size(), 3u);
  EXPECT_EQ(app.rules[1].name, "job:errors:sum");
  EXPECT_FALSE(app.rules[1].alerting);
  EXPECT_EQ(app.rules[1].label_overrides.size(), 2u);
  EXPECT_EQ((*groups)[1].interval, 15s);
  EXPECT_NE((*groups)[1].fingerprint, app.fingerprint);
}

struct Broken {
  std::string_view rules;  // below "groups: [{name: g, rules: [" … or whole files
  std::string_view error;
};
// Each row is a whole file.
constexpr Broken kBroken[] = {
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    fro: 5m\n",
     "r.yml:6:5: unknown field \"fro\"; did you mean \"for\"?"},
    {"group: []\n", "r.yml:1:1: unknown field \"group\"; did you mean \"groups\"?"},
    {"groups:\n- name: ''\n", "r.yml:2:3: Groupname must not be empty"},
    {"groups:\n- name: a\n- name: a\n", "r.yml:3:3: groupname: \"a\" is repeated in the same file"},
    {"groups:\n- name: g\n  rules:\n  - expr: up\n",
     "r.yml:4:5: group \"g\", rule 1, \"\": one of 'record' or 'alert' must be set"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    record: b\n    expr: up\n",
     "r.yml:4:5: group \"g\", rule 1, \"b\": only one of 'record' and 'alert' must be set"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n",
     "r.yml:4:5: group \"g\", rule 1, \"A\": field 'expr' must be set in rule"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up + / 3\n",
     "r.yml:5:16: group \"g\", rule 1, \"A\": could not parse expression: 1:6: parse error: "
     "unexpected <op:/>"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      up\n      + / 3\n",
     "r.yml:7:9: group \"g\", rule 1, \"A\": could not parse expression: 2:3: parse error: "
     "unexpected <op:/>"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: \"up{a=\\\"b\\\"} + / 3\"\n",
     "r.yml:5:26: group \"g\", rule 1, \"A\": could not parse expression: 1:13: parse error: "
     "unexpected <op:/>"},
    {"groups:\n- name: g\n  rules:\n  - record: b\n    expr: up\n    for: 5m\n    annotations: {a: "
     "b}\n",
     "r.yml:7:5: group \"g\", rule 1, \"b\": invalid field 'annotations' in recording rule\n"
     "r.yml:6:5: group \"g\", rule 1, \"b\": invalid field 'for' in recording rule"},
    {"groups:\n- name: g\n  rules:\n  - record: 'b{x=\"1\"}'\n    expr: up\n",
     "r.yml:4:5: group \"g\", rule 1, \"b{x=\"1\"}\": braces present in the recording rule name; "
     "should it be in "
     "expr?: b{x=\"1\"}"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    labels: {__name__: x}\n",
     "r.yml:6:5: group \"g\", rule 1, \"A\": invalid label name: __name__"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    annotations:\n      s: '{{ "
     "nope }}'\n",
     "r.yml:7:10: group \"g\", rule 1, \"A\": annotation \"s\": template: __alert_A:1: function "
     "\"nope\" not defined"},
    {"groups:\n- name: g\n  interval: 5x\n", "r.yml:3:13: "},
    {"groups:\n- name: g\n  interval: 15s\n  eval_offset: 15s\n",
     "r.yml:2:3: group \"g\": eval_offset must be less than the interval, 15s"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    on_missing: hold\n",
     "r.yml:6:17: group \"g\", rule 1, \"A\": on_missing: expected resolve, keep or fire, not "
     "\"hold\""},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    resolve_expr: up ==\n",
     "r.yml:6:19: group \"g\", rule 1, \"A\": resolve_expr: could not parse expression: 1:6: parse "
     "error: unexpected end of input"},
    {"groups:\n- name: g\n  rules:\n  - record: b\n    expr: up\n    on_missing: keep\n",
     "r.yml:6:5: group \"g\", rule 1, \"b\": invalid field 'on_missing' in recording rule"},
    {"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up  # tocsin: on_mising=keep\n",
     "r.yml:5:15: # tocsin: unknown setting \"on_mising\"; did you mean \"on_missing\"?"},
    {"groups:\n- name: g\n  rules:\n  - record: b\n    expr: up  # tocsin: on_missing=keep\n",
     "r.yml:5:15: # tocsin: on_missing: invalid for the recording rule \"b\""},
    {"groups:\n- name: g\n  rules: []\n  # tocsin: on_missing=keep\n",
     "r.yml:4:3: # tocsin: on_missing: there is no rule here"},
    {"groups:\n- name: g\n  rules: 5\n", "r.yml:3:10: "},
};

TEST(RuleFileTest, NamesThePlaceOfEveryError) {
  for (const Broken& broken : kBroken) {
    const auto groups = ParseRuleFile("r.yml", broken.rules);
    ASSERT_FALSE(groups.ok()) << broken.rules;
    const std::string& message = groups.error().message;
    EXPECT_EQ(message.substr(0, broken.error.size()), broken.error) << broken.rules << message;
  }
}

constexpr std::string_view kFields = R"(groups:
- name: g
  eval_offset: 5s
  startup_guard: true
  rules:
  - alert: A
    expr: errors > 3
    on_missing: keep
    resolve_expr: errors < 1
  - alert: B
    expr: errors > 4
  - record: c
    expr: up
)";
constexpr std::string_view kComments = R"(# a file
groups:
# tocsin: eval_offset=5s
- name: g
  # tocsin: startup_guard=true
  rules:
  # tocsin: on_missing=keep
  - alert: A
    expr: errors > 3
    # tocsin: resolve_expr=errors < 1
  # tocsin: disable alerts/comparison
  - alert: B
    expr: errors > 4
    annotations: {s: "no # tocsin: on_missing=keep"}
  - record: c
    expr: up
)";

TEST(RuleFileTest, ExtensionsAreFieldsOrComments) {
  for (const std::string_view text : {kFields, kComments}) {
    const auto groups = ParseRuleFile("r.yml", text);
    ASSERT_TRUE(groups.ok()) << groups.error().message;
    const RuleGroupSpec& group = groups->at(0);
    EXPECT_EQ(group.extensions.eval_offset, 5s);
    EXPECT_TRUE(group.extensions.startup_guard);
    EXPECT_EQ(group.rules[0].extensions.on_missing, MissingPolicy::kKeep);
    ASSERT_NE(group.rules[0].extensions.resolve_query, nullptr);
    EXPECT_EQ(group.rules[0].extensions.resolve_query->text(), "errors < 1");
    EXPECT_EQ(group.rules[1].extensions.on_missing, MissingPolicy::kResolve);
    EXPECT_EQ(group.rules[1].extensions.resolve_query, nullptr);
  }
}

TEST(RuleFileTest, PrometheusFilesHaveNoVariablesOfOthers) {
  constexpr std::string_view kFile =
      "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    annotations: {s: '{{ $for "
      "}}'}\n";
  EXPECT_TRUE(ParseRuleFile("r.yml", kFile).ok());
  const auto refused = ParseRuleFile("r.yml", kFile, {.extension_fields = false});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(
      refused.error().message,
      "r.yml:6:22: group \"g\", rule 1, \"A\": annotation \"s\": Prometheus has no $activeAt, "
      "$expr, $for and $interval");
}

TEST(RuleFileTest, PrometheusFilesHaveNoFieldsOfOurs) {
  EXPECT_TRUE(ParseRuleFile("r.yml", kComments, {.extension_fields = false}).ok());
  const auto refused = ParseRuleFile("r.yml", kFields, {.extension_fields = false});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "r.yml:8:5: group \"g\", rule 1, \"A\": Prometheus refuses the field \"on_missing\"; "
            "write it as a comment: # tocsin: on_missing=keep\n"
            "r.yml:9:5: group \"g\", rule 1, \"A\": Prometheus refuses the field \"resolve_expr\"; "
            "write it as a comment: # tocsin: resolve_expr=errors < 1\n"
            "r.yml:3:3: group \"g\": Prometheus refuses the field \"eval_offset\"; write it as a "
            "comment: # tocsin: eval_offset=5s\n"
            "r.yml:4:3: group \"g\": Prometheus refuses the field \"startup_guard\"; write it as a "
            "comment: # tocsin: startup_guard=true");
}

TEST(RuleFileTest, GoesOnAfterABrokenRule) {
  const auto groups = ParseRuleFile(
      "r.yml",
      "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: )\n  - alert: B\n    expr: (\n");
  ASSERT_FALSE(groups.ok());
  EXPECT_NE(groups.error().message.find("rule 1, \"A\""), std::string::npos);
  EXPECT_NE(groups.error().message.find("rule 2, \"B\""), std::string::npos);
}

TEST(RuleFileTest, LoadsWhatTheConfigurationNames) {
  const MemoryFiles files{{"/etc/a.yml", std::string(kGood)}, {"/etc/rules/b.yml", "groups: []"}};
  Config config;
  config.path = "/etc/tocsin.yml";
  config.rule_files = {"a.yml", "rules/*.yml", "none/*.yml"};
  const auto loaded = LoadRuleFiles(files, config, {});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->groups.size(), 2u);
  EXPECT_EQ(loaded->groups[1].interval, 1min);
  ASSERT_EQ(loaded->warnings.size(), 1u);
  EXPECT_EQ(loaded->warnings[0], "rule_files: no file matches \"none/*.yml\"");

  config.rule_files = {"missing.yml"};
  const auto missing = LoadRuleFiles(files, config, {});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message,
            "rule file /etc/missing.yml: \"missing.yml\" does not point to an existing file");
}

}  // namespace
}  // namespace tocsin
