#include "rules/reload_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

namespace tocsin {
namespace {

std::string Count(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// "; 2 rules gone (A, B)", or nothing; at most some names.
std::string Part(const std::vector<std::string>& names, std::string_view what,
                 std::string_view fate) {
  constexpr size_t kMostNames = 10;
  if (names.empty()) return "";
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    list += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kMostNames) list += ", …";
  return fmt::format("; {} {} ({})", Count(names.size(), what), fate, list);
}

}  // namespace

std::string ToString(const RulesReload& reload) {
  std::string text = fmt::format("rules: {} unchanged", Count(reload.groups_unchanged, "group"));
  text += Part(reload.groups_new, "group", "new");
  text += Part(reload.groups_changed, "group", "changed");
  text += Part(reload.groups_gone, "group", "gone");
  text += Part(reload.rules_new, "rule", "new");
  text += Part(reload.rules_gone, "rule", "gone");
  if (reload.alerts_kept > 0) text += fmt::format("; {} kept", Count(reload.alerts_kept, "alert"));
  if (reload.alerts_resolved > 0) {
    text += fmt::format("; {} resolved", Count(reload.alerts_resolved, "alert"));
  }
  return text;
}

}  // namespace tocsin
