// Which rules a request asks for: the parameters of /api/v1/rules.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/model/matcher.h"
#include "rules/snapshot.h"
#include "server/http_message.h"
#include "server/process_view.h"

namespace tocsin::server {

struct RuleFilter {
  bool alerting = true;
  bool recording = true;
  bool with_alerts = true;
  std::vector<std::string> names;
  std::vector<std::string> groups;
  std::vector<std::string> files;
  std::vector<std::vector<Matcher>> selectors;  // of configured labels; any of them
  size_t max_groups = 0;                        // 0: all
  std::string first_group;                      // a token; "": the first
};

Result<RuleFilter> ReadRuleFilter(const ProcessView& view, const HttpServerRequest& request);

bool Wants(const RuleFilter& filter, const RuleSnapshot& rule);
// The groups that the filter leaves something of, from the page's first on.
Result<std::vector<const RuleGroupSnapshot*>> SelectGroups(const RulesSnapshot& rules,
                                                           const RuleFilter& filter);
// Names a group in the chain of pages.
std::string GroupToken(const RuleGroupSnapshot& group);

}  // namespace tocsin::server
