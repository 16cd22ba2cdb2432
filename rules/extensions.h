// What rules can do here beyond Prometheus. All of it is off until a rule file asks for it, in one
// of two spellings:
//
//   on_missing: keep               a field; Prometheus refuses such a file
//   # tocsin: on_missing=keep      a comment; the file stays Prometheus'
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engine/promql/ast.h"
#include "engine/promql/parser.h"

namespace tocsin {

// What becomes of an alert whose condition cannot be judged, because a series that it needs has
// gone: Prometheus resolves it.
enum class MissingPolicy {
  kResolve,
  kKeep,  // it stays as it is
  kFire,  // as if the condition held: a pending alert goes on towards firing
};

// Of an alerting rule.
struct RuleExtensions {
  MissingPolicy on_missing = MissingPolicy::kResolve;
  // A firing alert goes on, while its condition is gone, until this gives a series with its labels.
  std::shared_ptr<const promql::ParsedQuery> resolve_query;  // null: the condition alone decides
};

// Of a group.
struct GroupExtensions {
  // Where in the interval the slots are, counted from the Unix epoch; nothing: by a hash.
  std::optional<Duration> eval_offset;
  // No evaluation before everything that the group reads has been collected.
  bool startup_guard = false;
};

// One row per setting.
template <typename Extensions>
struct ExtensionRow {
  std::string_view name;
  std::string_view value;  // what may stand behind the name
  std::string_view help;
  // Errors without the name and the place.
  Status (*read)(const std::string& value, const promql::ParserOptions& parser, Extensions& into);
};
const std::vector<ExtensionRow<RuleExtensions>>& RuleExtensionRows();
const std::vector<ExtensionRow<GroupExtensions>>& GroupExtensionRows();

// Equal for equal settings; "" when there are none.
std::string Fingerprint(const RuleExtensions& extensions);
std::string Fingerprint(const GroupExtensions& extensions);

}  // namespace tocsin
