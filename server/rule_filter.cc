#include "server/rule_filter.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/digest.h"
#include "engine/promql/quote.h"
#include "server/api_answer.h"

namespace tocsin::server {
namespace {

bool Allows(const std::vector<std::string>& allowed, const std::string& value) {
  return allowed.empty() || std::ranges::find(allowed, value) != allowed.end();
}

bool Wants(const RuleFilter& filter, const RuleGroupSnapshot& group) {
  return Allows(filter.groups, group.name) && Allows(filter.files, group.file) &&
         std::ranges::any_of(group.rules,
                             [&](const RuleSnapshot& rule) { return Wants(filter, rule); });
}

Status ReadPage(const HttpServerRequest& request, RuleFilter& filter) {
  filter.first_group = request.parameters.Get("group_next_token");
  const std::string_view text = request.parameters.Get("group_limit");
  if (text.empty()) {
    if (filter.first_group.empty()) return Ok();
    return BadParameter("group_next_token",
                        "group_limit needs to be present in order to paginate over the groups");
  }
  const Result<int64_t> limit = ParseApiInt(text);
  if (!limit.ok()) {
    return BadParameter("group_limit",
                        "group_limit needs to be a valid number: " + limit.error().message);
  }
  if (*limit <= 0) return BadParameter("group_limit", "group_limit needs to be greater than 0");
  filter.max_groups = static_cast<size_t>(*limit);
  return Ok();
}

}  // namespace

std::string GroupToken(const RuleGroupSnapshot& group) {
  return Sha256Hex(group.file + ";" + group.name);
}

bool Wants(const RuleFilter& filter, const RuleSnapshot& rule) {
  if (!(rule.alerting ? filter.alerting : filter.recording)) return false;
  if (!Allows(filter.names, rule.name)) return false;
  return filter.selectors.empty() ||
         std::ranges::any_of(filter.selectors, [&rule](const std::vector<Matcher>& matchers) {
           return MatchesAll(matchers, rule.labels);
         });
}

Result<RuleFilter> ReadRuleFilter(const ProcessView& view, const HttpServerRequest& request) {
  RuleFilter filter;
  const std::string type = AsciiLower(request.parameters.Get("type"));
  if (!type.empty() && type != "alert" && type != "record") {
    return BadParameter("type", fmt::format("not supported value {}", promql::Quote(type)));
  }
  filter.alerting = type != "record";
  filter.recording = type != "alert";
  if (const std::string_view text = request.parameters.Get("exclude_alerts"); !text.empty()) {
    const Result<bool> without = ParseApiBool(text);
    if (!without.ok()) {
      return BadParameter("exclude_alerts",
                          "error converting exclude_alerts: " + without.error().message);
    }
    filter.with_alerts = !*without;
  }
  filter.names = request.parameters.All("rule_name[]");
  filter.groups = request.parameters.All("rule_group[]");
  filter.files = request.parameters.All("file[]");
  ASSIGN_OR_RETURN(filter.selectors, MatchParameter(view, request));
  RETURN_IF_ERROR(ReadPage(request, filter));
  return filter;
}

Result<std::vector<const RuleGroupSnapshot*>> SelectGroups(const RulesSnapshot& rules,
                                                           const RuleFilter& filter) {
  auto first = rules.groups.begin();
  if (!filter.first_group.empty()) {
    first = std::ranges::find(rules.groups, filter.first_group, GroupToken);
    if (first == rules.groups.end()) {
      return BadParameter("group_next_token",
                          fmt::format("invalid group_next_token '{}'. were rule groups changed?",
                                      filter.first_group));
    }
  }
  std::vector<const RuleGroupSnapshot*> groups;
  for (; first != rules.groups.end(); ++first) {
    if (Wants(filter, *first)) groups.push_back(&*first);
  }
  return groups;
}

}  // namespace tocsin::server
