// Changes the label matchers of all selectors of an expression, as promtool promql label-matchers
// does.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/model/matcher.h"
#include "engine/promql/ast.h"

namespace tocsin::promql {

// Gets the matchers of one selector, that of its metric name included.
using MatcherEdit = std::function<void(std::vector<Matcher>& matchers)>;

// The expression over several lines (see PrettyPrint) with every selector's matchers edited. The
// errors are those of ParseQuery.
Result<std::string> PrettyPrintEdited(std::string_view text, const ParserOptions& options,
                                      const MatcherEdit& edit);

// Replaces the matchers of that label, or adds one.
MatcherEdit SettingMatcher(Matcher matcher);
MatcherEdit DeletingMatchers(std::string_view label);

}  // namespace tocsin::promql
