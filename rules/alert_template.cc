#include "rules/alert_template.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "rules/template/executor.h"
#include "rules/template/parser.h"

namespace tocsin {
namespace {

constexpr std::string_view kPrelude =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

// What vmalert knows beside; only where it is used, so that places in messages stay Prometheus'.
constexpr std::string_view kMore =
    "{{$activeAt := .ActiveAt}}{{$expr := .Expr}}{{$for := .For}}{{$interval := .Interval}}";
constexpr std::string_view kMoreNames[] = {"$activeAt", "$expr", "$for", "$interval",
                                           ".ActiveAt", ".Expr", ".For", ".Interval"};

bool UsesMore(std::string_view text) {
  return std::ranges::any_of(kMoreNames, [text](std::string_view name) {
    for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      const size_t end = at + name.size();
      if (end == text.size() || !std::isalnum(static_cast<unsigned char>(text[end]))) return true;
    }
    return false;
  });
}

}  // namespace

Result<AlertTemplate> AlertTemplate::Parse(std::string_view alert_name, std::string_view text) {
  AlertTemplate result;
  result.text_ = text;
  if (text.find("{{") == std::string_view::npos) return result;
  std::string whole(kPrelude);
  result.beyond_prometheus_ = UsesMore(text);
  if (result.beyond_prometheus_) whole += kMore;
  ASSIGN_OR_RETURN(result.tree_,
                   templates::Parse("__alert_" + std::string(alert_name), whole + result.text_));
  return result;
}

Result<std::string> AlertTemplate::Expand(const templates::AlertFields& fields,
                                          const templates::Environment& environment) const {
  if (tree_ == nullptr) return text_;
  Result<std::string> expanded = templates::Execute(*tree_, fields, environment);
  if (expanded.ok()) return expanded;
  return Prefixed(fmt::format("error executing template {}: ", tree_->name), expanded.error());
}

}  // namespace tocsin
