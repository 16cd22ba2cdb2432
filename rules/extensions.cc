#include "rules/extensions.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/promql/quote.h"

namespace tocsin {
namespace {

struct PolicyRow {
  std::string_view name;
  MissingPolicy policy;
};
constexpr PolicyRow kPolicies[] = {{"resolve", MissingPolicy::kResolve},
                                   {"keep", MissingPolicy::kKeep},
                                   {"fire", MissingPolicy::kFire}};

Status ReadOnMissing(const std::string& value, const promql::ParserOptions& /*parser*/,
                     RuleExtensions& into) {
  const auto* row = std::ranges::find(kPolicies, std::string_view(value), &PolicyRow::name);
  if (row == std::end(kPolicies)) {
    return InvalidArgument("expected resolve, keep or fire, not \"" + value + "\"");
  }
  into.on_missing = row->policy;
  return Ok();
}

Status ReadResolveExpr(const std::string& value, const promql::ParserOptions& parser,
                       RuleExtensions& into) {
  auto query = promql::ParseQuery(value, parser);
  if (!query.ok()) return Prefixed("could not parse expression: ", query.error());
  into.resolve_query = *std::move(query);
  return Ok();
}

Status ReadEvalOffset(const std::string& value, const promql::ParserOptions& /*parser*/,
                      GroupExtensions& into) {
  const bool negative = value.starts_with('-');
  ASSIGN_OR_RETURN(const Duration offset,
                   ParsePrometheusDuration(std::string_view(value).substr(negative ? 1 : 0)));
  into.eval_offset = negative ? -offset : offset;
  return Ok();
}

Status ReadStartupGuard(const std::string& value, const promql::ParserOptions& /*parser*/,
                        GroupExtensions& into) {
  if (value != "true" && value != "false") {
    return InvalidArgument("expected true or false, not \"" + value + "\"");
  }
  into.startup_guard = value == "true";
  return Ok();
}

}  // namespace

const std::vector<ExtensionRow<RuleExtensions>>& RuleExtensionRows() {
  static const std::vector<ExtensionRow<RuleExtensions>> kRows = {
      {.name = "on_missing",
       .value = "resolve|keep|fire",
       .help = "What becomes of an alert when a series that its expression needs has gone.",
       .read = &ReadOnMissing},
      {.name = "resolve_expr",
       .value = "EXPR",
       .help = "A firing alert ends only when this gives a series with its labels.",
       .read = &ReadResolveExpr},
  };
  return kRows;
}

const std::vector<ExtensionRow<GroupExtensions>>& GroupExtensionRows() {
  static const std::vector<ExtensionRow<GroupExtensions>> kRows = {
      {.name = "eval_offset",
       .value = "DURATION",
       .help = "Where in the interval the group is evaluated; may be negative.",
       .read = &ReadEvalOffset},
      {.name = "startup_guard",
       .value = "true|false",
       .help = "After a start, wait until everything that the group reads has been collected.",
       .read = &ReadStartupGuard},
  };
  return kRows;
}

std::string Fingerprint(const RuleExtensions& extensions) {
  std::string out;
  if (extensions.on_missing != MissingPolicy::kResolve) {
    out +=
        fmt::format(" on_missing {}",
                    std::ranges::find(kPolicies, extensions.on_missing, &PolicyRow::policy)->name);
  }
  if (extensions.resolve_query != nullptr) {
    out += " resolve_expr " + promql::Quote(extensions.resolve_query->text());
  }
  return out;
}

std::string Fingerprint(const GroupExtensions& extensions) {
  std::string out;
  if (extensions.eval_offset) {
    out += fmt::format(" eval_offset {}", extensions.eval_offset->count());
  }
  if (extensions.startup_guard) out += " startup_guard";
  return out;
}

}  // namespace tocsin
