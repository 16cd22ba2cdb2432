// The template of one label or annotation of an alerting rule.
//
// What the author wrote stands behind Prometheus' prelude, which declares $labels,
// $externalLabels, $externalURL and $value; places in error messages count it in, as Prometheus
// does. $activeAt, $expr, $for and $interval are known too, as vmalert has them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rules/template/ast.h"
#include "rules/template/functions.h"
#include "rules/template/value.h"

namespace tocsin {

// Thread safety: immutable; cheap to copy.
class AlertTemplate {
 public:
  // Errors: "template: __alert_NAME:1: function "x" not defined".
  static Result<AlertTemplate> Parse(std::string_view alert_name, std::string_view text);

  // Never fails for texts without actions.
  Result<std::string> Expand(const templates::AlertFields& fields,
                             const templates::Environment& environment) const;
  // As written.
  const std::string& text() const { return text_; }
  // Whether it is taken as it is, whatever the sample.
  bool is_plain() const { return tree_ == nullptr; }
  // Whether it uses what Prometheus does not have.
  bool beyond_prometheus() const { return beyond_prometheus_; }

 private:
  std::string text_;
  bool beyond_prometheus_ = false;
  std::shared_ptr<const templates::Tree> tree_;  // null when the text is taken as it is
};

}  // namespace tocsin
