#include "rules/unit_test/unit_test_reader.h"

#include <fmt/core.h>

#include <algorithm>

namespace tocsin::unit_test {
namespace {

struct StateRow {
  std::string_view name;
  AlertState state;
};
constexpr StateRow kStates[] = {{"inactive", AlertState::kInactive},
                                {"pending", AlertState::kPending},
                                {"firing", AlertState::kFiring},
                                {"keep_firing", AlertState::kKeepFiring}};

// Nothing when the field is absent.
Result<std::optional<AlertState>> ReadState(YamlMap& map) {
  const std::optional<YamlNode> node = map.Find("state");
  if (!node) return std::optional<AlertState>();
  ASSIGN_OR_RETURN(const std::string name, node->AsString());
  const auto* const row = std::ranges::find(kStates, name, &StateRow::name);
  if (row != std::end(kStates)) return std::optional<AlertState>(row->state);
  return node->ErrorHere(fmt::format(
      "\"{}\" is not a state; write one of inactive, pending, firing, keep_firing", name));
}

Result<std::optional<Duration>> ReadTime(YamlMap& map, std::string_view field) {
  const std::optional<YamlNode> node = map.Find(field);
  if (!node) return std::optional<Duration>();
  ASSIGN_OR_RETURN(const Duration time, node->AsDuration());
  return std::optional<Duration>(time);
}

Result<Pairs> ReadPairs(YamlMap& map, std::string_view field) {
  ASSIGN_OR_RETURN(Pairs pairs, map.OptionalStringMap(field));
  std::ranges::sort(pairs);
  return pairs;
}

// The user gives the labels without the alert's name.
Result<Pairs> ReadAlertLabels(YamlMap& map, std::string_view field, const std::string& alertname) {
  ASSIGN_OR_RETURN(Pairs labels, map.OptionalStringMap(field));
  std::erase_if(labels, [](const auto& pair) { return pair.first == "alertname"; });
  labels.emplace_back("alertname", alertname);
  std::ranges::sort(labels);
  return labels;
}

Result<ExpectedAlert> ReadExpectedAlert(const YamlNode& node, const AlertCase& of) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an expected alert"));
  ExpectedAlert alert;
  ASSIGN_OR_RETURN(alert.labels, ReadAlertLabels(map, "exp_labels", of.alertname));
  ASSIGN_OR_RETURN(alert.annotations, ReadPairs(map, "exp_annotations"));
  ASSIGN_OR_RETURN(const std::optional<AlertState> state, ReadState(map));
  if (state) {
    alert.state = *state;
  } else if (!of.states.empty()) {
    alert.state = of.states.front();
  }
  ASSIGN_OR_RETURN(alert.active_at, ReadTime(map, "exp_active_at"));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return alert;
}

// Which alerts are compared at all: those in a state that the case names, else the firing ones.
void AddState(AlertState state, std::vector<AlertState>& states) {
  if (std::ranges::find(states, state) == states.end()) states.push_back(state);
  // Whoever waits for firing takes an alert that goes on firing, too.
  if (state == AlertState::kFiring) AddState(AlertState::kKeepFiring, states);
}

Result<ExpectedSending> ReadSending(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an entry of exp_sent"));
  ExpectedSending sending;
  ASSIGN_OR_RETURN(const YamlNode at, map.Required("at"));
  ASSIGN_OR_RETURN(sending.at, at.AsDuration());
  ASSIGN_OR_RETURN(const std::string status, map.OptionalString("status", "firing"));
  if (status != "firing" && status != "resolved") {
    return map.Find("status")->ErrorHere(
        fmt::format("\"{}\" is neither firing nor resolved", status));
  }
  sending.resolved = status == "resolved";
  ASSIGN_OR_RETURN(sending.alertname, map.RequiredString("alertname"));
  ASSIGN_OR_RETURN(sending.labels, ReadAlertLabels(map, "exp_labels", sending.alertname));
  if (map.Find("exp_annotations")) {
    ASSIGN_OR_RETURN(sending.annotations, ReadPairs(map, "exp_annotations"));
  }
  ASSIGN_OR_RETURN(sending.starts_at, ReadTime(map, "exp_starts_at"));
  ASSIGN_OR_RETURN(sending.ends_at, ReadTime(map, "exp_ends_at"));
  ASSIGN_OR_RETURN(sending.match, ReadMatch(map, {}));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return sending;
}

Result<ExpectedSample> ReadExpectedSample(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an expected sample"));
  ExpectedSample sample;
  ASSIGN_OR_RETURN(sample.labels, map.OptionalString("labels"));
  ASSIGN_OR_RETURN(sample.value, map.OptionalDouble("value", 0));
  ASSIGN_OR_RETURN(sample.histogram, map.OptionalString("histogram"));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return sample;
}

Status ReadAlertmanagerEvent(const YamlNode& node, Event& event) {
  ASSIGN_OR_RETURN(const std::string text, node.AsString());
  if (text != "up" && text != "down") {
    return node.ErrorHere(fmt::format("\"{}\" is neither up nor down", text));
  }
  event.kind = text == "up" ? Event::Kind::kAlertmanagerUp : Event::Kind::kAlertmanagerDown;
  return Ok();
}

Result<Event> ReadEvent(const YamlNode& node, const FileSystem& files,
                        const std::string& test_file) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an event"));
  Event event;
  ASSIGN_OR_RETURN(const YamlNode at, map.Required("at"));
  ASSIGN_OR_RETURN(event.at, at.AsDuration());
  int kinds = 0;
  if (const std::optional<YamlNode> reload = map.Find("reload")) {
    ++kinds;
    event.kind = Event::Kind::kReload;
    ASSIGN_OR_RETURN(const std::vector<std::string> patterns, reload->AsStringList());
    std::vector<std::string> missing;
    event.rule_files = FindRuleFiles(files, test_file, patterns, missing);
    if (!missing.empty()) {
      return reload->ErrorHere(fmt::format("no file matches \"{}\"", missing.front()));
    }
  }
  if (const std::optional<YamlNode> restart = map.Find("restart")) {
    ++kinds;
    event.kind = Event::Kind::kRestart;
    ASSIGN_OR_RETURN(event.outage, restart->AsDuration());
  }
  if (const std::optional<YamlNode> alertmanager = map.Find("alertmanager")) {
    ++kinds;
    RETURN_IF_ERROR(ReadAlertmanagerEvent(*alertmanager, event));
  }
  RETURN_IF_ERROR(map.RejectUnknownFields());
  if (kinds == 1) return event;
  return node.ErrorHere(
      "an event is one of reload: [FILE…], restart: DURATION, alertmanager: up|down");
}

}  // namespace

std::string_view StateName(AlertState state) {
  return std::ranges::find(kStates, state, &StateRow::state)->name;
}

Result<MatchMode> ReadMatch(YamlMap& map, MatchMode otherwise) {
  const std::optional<YamlNode> node = map.Find("match");
  if (!node) return otherwise;
  std::vector<std::string> names;
  if (node->kind() == YamlNode::Kind::kSequence) {
    ASSIGN_OR_RETURN(names, node->AsStringList());
  } else {
    ASSIGN_OR_RETURN(const std::string name, node->AsString());
    names = {name};
  }
  MatchMode mode;
  for (const std::string& name : names) {
    if (name == "subset") {
      mode.subset = true;
    } else if (name == "regex") {
      mode.regex = true;
    } else if (name != "exact") {
      return node->ErrorHere(fmt::format("\"{}\" is not one of exact, subset, regex", name));
    }
  }
  return mode;
}

Result<AlertCase> ReadAlertCase(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an alert_rule_test"));
  AlertCase test;
  test.place = PlaceOf(node);
  ASSIGN_OR_RETURN(test.eval_time, map.OptionalDuration("eval_time", Duration::zero()));
  ASSIGN_OR_RETURN(test.alertname, map.OptionalString("alertname"));
  ASSIGN_OR_RETURN(test.match, ReadMatch(map, {}));
  ASSIGN_OR_RETURN(const std::optional<AlertState> state, ReadState(map));
  if (state) {
    test.states.clear();
    AddState(*state, test.states);
  }
  ASSIGN_OR_RETURN(const std::vector<YamlNode> alerts, map.OptionalList("exp_alerts"));
  for (const YamlNode& alert : alerts) {
    ASSIGN_OR_RETURN(ExpectedAlert expected, ReadExpectedAlert(alert, test));
    test.alerts.push_back(std::move(expected));
  }
  for (const ExpectedAlert& alert : test.alerts) AddState(alert.state, test.states);
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return test;
}

Result<QueryCase> ReadQueryCase(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a promql_expr_test"));
  QueryCase test;
  test.place = PlaceOf(node);
  ASSIGN_OR_RETURN(test.expr, map.OptionalString("expr"));
  ASSIGN_OR_RETURN(test.eval_time, map.OptionalDuration("eval_time", Duration::zero()));
  ASSIGN_OR_RETURN(test.match, ReadMatch(map, {}));
  ASSIGN_OR_RETURN(test.samples, ReadEach<ExpectedSample>(map, "exp_samples", ReadExpectedSample));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return test;
}

Result<std::vector<Event>> ReadEvents(YamlMap& map, const FileSystem& files,
                                      const std::string& test_file) {
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, map.OptionalList("events"));
  std::vector<Event> events;
  for (const YamlNode& node : nodes) {
    ASSIGN_OR_RETURN(Event event, ReadEvent(node, files, test_file));
    events.push_back(std::move(event));
  }
  std::ranges::stable_sort(events, {}, &Event::at);
  return events;
}

Result<std::optional<ExpectedSendings>> ReadSendings(YamlMap& map) {
  const std::optional<YamlNode> node = map.Find("exp_sent");
  if (!node) return std::optional<ExpectedSendings>();
  ExpectedSendings sendings;
  sendings.place = PlaceOf(*node);
  ASSIGN_OR_RETURN(sendings.list, ReadEach<ExpectedSending>(map, "exp_sent", ReadSending));
  std::ranges::stable_sort(sendings.list, {}, &ExpectedSending::at);
  return std::optional<ExpectedSendings>(std::move(sendings));
}

std::vector<std::string> FindRuleFiles(const FileSystem& files, const std::string& test_file,
                                       const std::vector<std::string>& patterns,
                                       std::vector<std::string>& warnings) {
  std::vector<std::string> found;
  for (const std::string& pattern : patterns) {
    const std::string path = ResolvePath(test_file, pattern);
    const std::vector<std::string> paths = files.Glob(path);
    if (paths.empty()) warnings.push_back(path);
    for (const std::string& each : paths) {
      if (std::ranges::find(found, each) == found.end()) found.push_back(each);
    }
  }
  return found;
}

}  // namespace tocsin::unit_test
