#include "config/alertmanager/routing.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

namespace tocsin::alertmanager {
namespace {

// What a label of such an alert may be. Nothing: any text, or absent.
std::optional<std::string> ValueOf(const AlertShape& shape, const std::string& label) {
  if (shape.known.Has(label)) return std::string(shape.known.Get(label));
  if (shape.possible && std::ranges::find(*shape.possible, label) == shape.possible->end()) {
    return std::string();
  }
  return std::nullopt;
}

using FitWith = std::function<Fit(const std::vector<Matcher>& matchers)>;

// Adds what is taken from the route down; returns whether that is certain.
// NOLINTNEXTLINE(misc-no-recursion): the YAML reader bounds the depth
void Walk(RoutePath path, const FitWith& fit, std::vector<RoutePath>& taken) {
  bool certain = false;
  for (const Route& child : path.back()->routes) {
    const Fit fits = fit(child.matchers);
    if (fits == Fit::kNever) continue;
    RoutePath below = path;
    below.push_back(&child);
    Walk(std::move(below), fit, taken);
    certain |= fits == Fit::kAlways;
    if (fits == Fit::kAlways && !child.continues) break;
  }
  if (!certain) taken.push_back(std::move(path));
}

bool FitsAll(const std::vector<Matcher>& matchers, const LabelSet& labels) {
  return std::ranges::all_of(matchers, [&](const Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

std::string Times(const Route& route) {
  std::string groups;
  for (const std::string& label : route.group_by) groups += (groups.empty() ? "" : ", ") + label;
  return fmt::format("group_by: [{}]  wait {}, interval {}, repeat {}", groups,
                     FormatPrometheusDuration(route.group_wait),
                     FormatPrometheusDuration(route.group_interval),
                     FormatPrometheusDuration(route.repeat_interval));
}

// NOLINTNEXTLINE(misc-no-recursion): the YAML reader bounds the depth
void Draw(const Route& route, const std::string& lead, std::string_view branch,
          const std::vector<RoutePath>& taken, std::string& text) {
  const bool is_taken =
      std::ranges::any_of(taken, [&](const RoutePath& path) { return path.back() == &route; });
  text += fmt::format("{}{}{}{}  receiver: {}  {}{}\n", lead, branch,
                      route.matchers.empty() ? "default-route" : MatchersText(route.matchers),
                      route.continues ? "  continue: true" : "", route.receiver, Times(route),
                      is_taken ? "  <- taken" : "");
  const std::string below = lead + (branch == "├── " ? "│   " : "    ");
  for (const Route& child : route.routes) {
    Draw(child, below, &child == &route.routes.back() ? "└── " : "├── ", taken, text);
  }
}

}  // namespace

std::vector<RoutePath> RoutesFor(const Route& root, const LabelSet& labels) {
  std::vector<RoutePath> taken;
  Walk(
      {&root},
      [&](const std::vector<Matcher>& matchers) {
        return FitsAll(matchers, labels) ? Fit::kAlways : Fit::kNever;
      },
      taken);
  return taken;
}

std::vector<std::string> ReceiversOf(const std::vector<RoutePath>& routes) {
  std::vector<std::string> receivers;
  for (const RoutePath& path : routes) {
    const std::string& name = path.back()->receiver;
    if (std::ranges::find(receivers, name) == receivers.end()) receivers.push_back(name);
  }
  return receivers;
}

std::string MatchersText(const std::vector<Matcher>& matchers) {
  std::string text = "{";
  for (const Matcher& matcher : matchers) {
    text += (text.size() > 1 ? "," : "") + matcher.ToString();
  }
  return text + "}";
}

std::string GroupKey(const RoutePath& route, const LabelSet& labels) {
  std::string key;
  for (const Route* each : route) key += (key.empty() ? "" : "/") + MatchersText(each->matchers);
  LabelSet group;
  for (const std::string& label : route.back()->group_by) {
    if (label == "...") return key + ":" + labels.ToString();
    group.Set(label, labels.Get(label));
  }
  return key + ":" + group.ToString();
}

bool Inhibits(const InhibitRule& rule, const LabelSet& source, const LabelSet& target) {
  if (!FitsAll(rule.source, source) || !FitsAll(rule.target, target)) return false;
  if (FitsAll(rule.source, target) && FitsAll(rule.target, source)) return false;
  return std::ranges::all_of(
      rule.equal, [&](const std::string& label) { return source.Get(label) == target.Get(label); });
}

Fit FitOf(const std::vector<Matcher>& matchers, const AlertShape& shape) {
  Fit fit = Fit::kAlways;
  for (const Matcher& matcher : matchers) {
    const std::optional<std::string> value = ValueOf(shape, matcher.name());
    if (!value) {
      fit = std::min(fit, Fit::kPerhaps);
    } else if (!matcher.Matches(*value)) {
      return Fit::kNever;
    }
  }
  return fit;
}

std::vector<RoutePath> PossibleRoutes(const Route& root, const AlertShape& shape) {
  std::vector<RoutePath> taken;
  Walk(
      {&root}, [&](const std::vector<Matcher>& matchers) { return FitOf(matchers, shape); }, taken);
  return taken;
}

bool MayInhibit(const InhibitRule& rule, const AlertShape& source, const AlertShape& target) {
  if (FitOf(rule.source, source) == Fit::kNever) return false;
  if (FitOf(rule.target, target) == Fit::kNever) return false;
  if (FitOf(rule.source, target) == Fit::kAlways && FitOf(rule.target, source) == Fit::kAlways) {
    return false;
  }
  return std::ranges::all_of(rule.equal, [&](const std::string& label) {
    const std::optional<std::string> a = ValueOf(source, label);
    const std::optional<std::string> b = ValueOf(target, label);
    return !a || !b || *a == *b;
  });
}

std::string DrawTree(const Route& root, const std::vector<RoutePath>& taken) {
  std::string text = ".\n";
  Draw(root, "", "└── ", taken, text);
  return text;
}

}  // namespace tocsin::alertmanager
