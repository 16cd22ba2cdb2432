// One value out of a JSON answer, by a path like "videos.0.id".
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace tocsin::delivery {

// Member names and array indexes, separated by dots; "" is the value itself. Null when there is
// nothing at the path.
const JsonValue* FindByPath(const JsonValue& root, std::string_view path);
// "number", "string", "bool", "array", "object", "null".
std::string_view TypeName(const JsonValue& value);
// A string as it is, numbers in their shortest form, true/false/null; "" for arrays and objects.
std::string ScalarText(const JsonValue& value);

}  // namespace tocsin::delivery
