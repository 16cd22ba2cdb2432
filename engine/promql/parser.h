// Text to tree and back.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/promql/ast.h"

namespace tocsin::promql {

// One syntax or type error and where it stands.
struct ParseError {
  PositionRange position;
  std::string message;  // without position
};

// The tree, or an Error whose message is Prometheus' own: "1:7: parse error: unexpected …".
Result<std::shared_ptr<const ParsedQuery>> ParseQuery(std::string_view text,
                                                      const ParserOptions& options = {});
// All errors of a broken text, for editors and check rules; empty when it parses.
std::vector<ParseError> FindParseErrors(std::string_view text, const ParserOptions& options = {});

// `{job="a"}` or `up{job="a"}`: one selector, as in match[] parameters.
Result<std::vector<Matcher>> ParseSelector(std::string_view text,
                                           const ParserOptions& options = {});
// `up{job="a"}` where every matcher is =: a metric, as in test files.
Result<LabelSet> ParseMetric(std::string_view text);
// A metric at the start of `text`, which is cut off; what follows is not looked at.
Result<LabelSet> CutMetric(std::string_view& text);

// Switches on what Prometheus hides behind --enable-feature=<name>. False when no syntax is called
// so.
bool EnableFeature(std::string_view name, ParserOptions& options);

// "1:7: parse error: " + message, with line and column of the position in `text`.
std::string FormatParseError(std::string_view text, const ParseError& error);

// The canonical text: ParseQuery(Print(x)) is the same tree.
std::string Print(const Expr& expr);
// Over several lines, indented, as /api/v1/format_query and promtool promql format print.
std::string PrettyPrint(const Expr& expr);
// The tree as /api/v1/parse_query gives it (JSON).
std::string ToJson(const Expr& expr);

}  // namespace tocsin::promql
