// Unit-test files of rules: promtool's format, read as strictly, with more that a file may ask for.
//
//   rule_files: [rules.yml]
//   evaluation_interval: 1m
//   tests:
//     - interval: 1m
//       input_series:
//         - series: up{job="app"}
//           values: 1x3 0x10
//       alert_rule_test:
//         - eval_time: 10m
//           alertname: Down
//           exp_alerts: [{exp_labels: {job: app}}]
//
// Source of the format: prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules. What
// goes beyond it is named in docs/unit_tests.md; promtool refuses a file that uses it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/time.h"
#include "config/yaml_reader.h"
#include "engine/model/label_set.h"

namespace tocsin::unit_test {

// Where something stands in the test file; 1-based.
struct Place {
  int line = 0;
  int column = 0;
};

// Sorted by name. Unlike in a LabelSet, values may be empty: an annotation can be.
using Pairs = std::vector<std::pair<std::string, std::string>>;

// How expectations are compared. Without either, labels and annotations must be the same.
struct MatchMode {
  bool subset = false;  // what is not named may have any value
  bool regex = false;   // values are regular expressions for the whole value
};

enum class AlertState { kInactive, kPending, kFiring, kKeepFiring };

struct ExpectedAlert {
  Pairs labels;  // with alertname
  Pairs annotations;
  AlertState state = AlertState::kFiring;
  std::optional<Duration> active_at;  // since the start of the test
};

// alert_rule_test
struct AlertCase {
  Place place;
  Duration eval_time{};
  std::string alertname;
  std::vector<ExpectedAlert> alerts;
  MatchMode match;
  // Alerts in other states than firing are looked at too.
  std::vector<AlertState> states = {AlertState::kFiring, AlertState::kKeepFiring};
};

struct ExpectedSample {
  std::string labels;  // as in PromQL
  double value = 0;
  std::string histogram;  // {{schema:…}}, or "" for a float
};

// promql_expr_test
struct QueryCase {
  Place place;
  Duration eval_time{};
  std::string expr;
  std::vector<ExpectedSample> samples;
  MatchMode match;
};

// One line of exp_sent: an alert as the Alertmanager gets it.
struct ExpectedSending {
  Duration at{};  // since the start of the test
  bool resolved = false;
  std::string alertname;
  Pairs labels;  // with alertname
  std::optional<Pairs> annotations;
  std::optional<Duration> starts_at;
  std::optional<Duration> ends_at;
  MatchMode match;
};

// All that the Alertmanager gets until the last check.
struct ExpectedSendings {
  Place place;
  std::vector<ExpectedSending> list;  // by time
};

// What happens to the process while the rules run.
struct Event {
  enum class Kind { kReload, kRestart, kAlertmanagerDown, kAlertmanagerUp };
  Duration at{};
  Kind kind = Kind::kReload;
  // kReload: from now on. When there are as many as before, each is the new content of the one
  // that stood in its place.
  std::vector<std::string> rule_files;
  Duration outage{};  // kRestart
};

struct InputSeries {
  Place place;
  std::string series;
  std::string values;
};

struct Test {
  Place place;
  std::string name;
  Duration interval{};  // between samples
  Timestamp start{};
  std::vector<InputSeries> input_series;
  std::vector<AlertCase> alert_cases;
  std::vector<QueryCase> query_cases;
  LabelSet external_labels;
  std::string external_url;
  // Beyond promtool.
  std::vector<Event> events;
  std::optional<ExpectedSendings> sendings;
  Duration evaluate_from{};  // earlier steps are left out
  Duration resend_delay = std::chrono::minutes(1);

  // The time of the last check.
  Duration Length() const;
};

struct UnitTestFile {
  std::string path;
  std::vector<std::string> rule_files;  // those that exist, in the order of their patterns
  std::vector<std::string> warnings;    // patterns that no file matches
  Duration evaluation_interval = std::chrono::minutes(1);
  bool fuzzy_compare = false;
  std::vector<std::string> group_eval_order;
  // Beyond promtool: each group is evaluated at its own interval.
  bool honor_group_interval = false;
  std::vector<Test> tests;
};

// Errors have the place: "tests.yml:12:9: unknown field "exp_label"; did you mean "exp_labels"?".
Result<UnitTestFile> ReadUnitTestFile(const FileSystem& files, const std::string& path);

// The state's name in test files: "keep_firing".
std::string_view StateName(AlertState state);

}  // namespace tocsin::unit_test
