// Alertmanager's configuration file: read as strictly as Alertmanager reads it, with all problems
// at once and their places, and further ones that it loads without a word.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/time.h"
#include "engine/model/matcher.h"

namespace tocsin::alertmanager {

// Where something stands in the file; 1-based.
struct Place {
  int line = 0;
  int column = 0;
};

struct Route {
  Place place;
  std::string receiver;  // inherited where the file has none
  std::vector<Matcher> matchers;
  bool continues = false;
  std::vector<std::string> group_by;  // inherited; "..." groups by all labels
  Duration group_wait = std::chrono::seconds(30);
  Duration group_interval = std::chrono::minutes(5);
  Duration repeat_interval = std::chrono::hours(4);
  std::vector<std::string> mute_time_intervals;
  std::vector<std::string> active_time_intervals;
  std::vector<Route> routes;
};

struct Integration {
  Place place;
  std::string field;  // "slack_configs"
  bool send_resolved = true;
};

struct Receiver {
  Place place;
  std::string name;
  std::vector<Integration> integrations;
};

struct InhibitRule {
  Place place;
  std::vector<Matcher> source;
  std::vector<Matcher> target;
  std::vector<std::string> equal;
};

struct Configuration {
  std::string path;
  Route root;
  std::vector<Receiver> receivers;
  std::vector<InhibitRule> inhibit_rules;
  std::vector<std::string> templates;  // patterns as written
  Place templates_place;

  const Receiver* FindReceiver(std::string_view name) const;
};

struct ReadConfiguration {
  // Complete only when no finding is an error.
  Configuration configuration;
  std::vector<Finding> findings;

  bool ok() const;
};

ReadConfiguration ParseConfiguration(const std::string& path, std::string_view text);

}  // namespace tocsin::alertmanager
