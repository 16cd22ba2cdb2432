// Matchers as Alertmanager's configuration writes them: severity="critical", team=~"a|b", foo!=bar.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/model/matcher.h"

namespace tocsin::alertmanager {

// One matcher. The value may be in double quotes, with \", \\ and \n, or bare.
Result<Matcher> ParseMatcher(std::string_view text);
// Several, separated by commas, optionally in braces: {a="b", c!="d"}.
Result<std::vector<Matcher>> ParseMatchers(std::string_view text);

}  // namespace tocsin::alertmanager
