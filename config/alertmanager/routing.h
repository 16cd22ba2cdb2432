// Which routes an alert takes through Alertmanager's tree, how it is grouped, and what silences it.
//
// A route is taken depth first: the first child whose matchers fit takes the alert, unless it says
// `continue`; a route none of whose children takes it, takes it itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/alertmanager/configuration.h"
#include "engine/model/label_set.h"

namespace tocsin::alertmanager {

// A route with those above it: the root first, the route itself last.
using RoutePath = std::vector<const Route*>;

std::vector<RoutePath> RoutesFor(const Route& root, const LabelSet& labels);
// The receivers of these, each once, in their order.
std::vector<std::string> ReceiversOf(const std::vector<RoutePath>& routes);
// {severity="critical",team=~"a|b"}
std::string MatchersText(const std::vector<Matcher>& matchers);
// As Alertmanager names the group in notifications: {}/{severity="critical"}:{alertname="Down"}.
std::string GroupKey(const RoutePath& route, const LabelSet& labels);

// Whether `source`, firing, silences `target` by this rule. An alert that fits both sides is not
// silenced by another that does.
bool Inhibits(const InhibitRule& rule, const LabelSet& source, const LabelSet& target);

// What is known of an alert before it fires: labels with their values, others that it may have.
struct AlertShape {
  std::string name;
  LabelSet known;
  // Labels that it cannot have; nothing: any other label is possible.
  std::optional<std::vector<std::string>> possible;
};
enum class Fit { kNever, kPerhaps, kAlways };
Fit FitOf(const std::vector<Matcher>& matchers, const AlertShape& shape);
// Every route that such an alert may take.
std::vector<RoutePath> PossibleRoutes(const Route& root, const AlertShape& shape);
bool MayInhibit(const InhibitRule& rule, const AlertShape& source, const AlertShape& target);

// The tree as lines; routes in `taken` are marked.
std::string DrawTree(const Route& root, const std::vector<RoutePath>& taken);

}  // namespace tocsin::alertmanager
