#include "rules/rule_sample.h"

#include <utility>
#include <variant>

#include "engine/model/histogram.h"

namespace tocsin {

Result<promql::VectorValue> VectorOf(promql::QueryValue value) {
  if (auto* vector = std::get_if<promql::VectorValue>(&value)) return std::move(*vector);
  if (const auto* scalar = std::get_if<promql::ScalarValue>(&value)) {
    promql::VectorElement element;
    element.point = {.t_ms = scalar->t_ms, .value = scalar->value, .histogram = nullptr};
    return promql::VectorValue{std::move(element)};
  }
  return ExecutionError("rule result is not a vector or scalar");
}

}  // namespace tocsin
