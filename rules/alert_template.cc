#include "rules/alert_template.h"

#include <fmt/core.h>

#include <utility>

#include "rules/template/executor.h"
#include "rules/template/parser.h"

namespace tocsin {
namespace {

constexpr std::string_view kPrelude =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}";

}  // namespace

Result<AlertTemplate> AlertTemplate::Parse(std::string_view alert_name, std::string_view text) {
  AlertTemplate result;
  result.text_ = text;
  if (text.find("{{") == std::string_view::npos) return result;
  ASSIGN_OR_RETURN(result.tree_, templates::Parse("__alert_" + std::string(alert_name),
                                                  std::string(kPrelude) + result.text_));
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
