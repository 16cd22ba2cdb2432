#include "engine/promql/matcher_edit.h"

#include <algorithm>

#include "engine/promql/parser.h"
#include "engine/promql/parser_impl.h"

namespace tocsin::promql {

Result<std::string> PrettyPrintEdited(std::string_view text, const ParserOptions& options,
                                      const MatcherEdit& edit) {
  // Finds what is wrong with the text as a whole.
  ASSIGN_OR_RETURN(const auto checked, ParseQuery(text, options));
  Parser parser(checked->text(), options);
  return PrettyPrint(parser.ParseEdited(edit)->root());
}

MatcherEdit SettingMatcher(Matcher matcher) {
  return [matcher = std::move(matcher)](std::vector<Matcher>& matchers) {
    bool found = false;
    for (Matcher& own : matchers) {
      if (own.name() != matcher.name()) continue;
      own = matcher;
      found = true;
    }
    if (!found) matchers.push_back(matcher);
  };
}

MatcherEdit DeletingMatchers(std::string_view label) {
  return [label = std::string(label)](std::vector<Matcher>& matchers) {
    std::erase_if(matchers, [&label](const Matcher& own) { return own.name() == label; });
  };
}

}  // namespace tocsin::promql
