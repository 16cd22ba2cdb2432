#include "delivery/journey/json_path.h"

#include <charconv>

#include "base/go_float.h"

namespace tocsin::delivery {
namespace {

const JsonValue* Step(const JsonValue& value, std::string_view name) {
  const JsonValue::Array* const array = value.AsArray();
  if (array == nullptr) return value.Find(name);
  size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size()) return nullptr;
  return index < array->size() ? &(*array)[index] : nullptr;
}

}  // namespace

const JsonValue* FindByPath(const JsonValue& root, std::string_view path) {
  const JsonValue* value = &root;
  while (value != nullptr && !path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    value = Step(*value, path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return value;
}

std::string_view TypeName(const JsonValue& value) {
  if (value.AsNumber() != nullptr) return "number";
  if (value.AsString() != nullptr) return "string";
  if (value.AsBool() != nullptr) return "bool";
  if (value.AsArray() != nullptr) return "array";
  if (value.AsObject() != nullptr) return "object";
  return "null";
}

std::string ScalarText(const JsonValue& value) {
  if (const double* number = value.AsNumber()) return FormatGoF(*number);
  if (const bool* flag = value.AsBool()) return *flag ? "true" : "false";
  if (value.is_null()) return "null";
  return std::string(value.TextOrEmpty());
}

}  // namespace tocsin::delivery
