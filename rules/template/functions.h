// The functions of alert templates, one row each: Go's built-ins and Prometheus' own.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "rules/template/value.h"

namespace tocsin::templates {

// What functions may ask of the outside.
struct Environment {
  // Evaluates a query at `now`; may be empty (then `query` is an error).
  std::function<Result<List>(const std::string& expression)> query;
  Timestamp now{};
  std::string external_url;
};

enum class ParameterType { kAny, kString, kSample, kList };

struct FunctionRow {
  std::string_view name;
  std::vector<ParameterType> parameters;
  bool variadic = false;  // the last parameter may come any number of times, also never
  std::string_view help;
  Result<Value> (*call)(const Environment& environment, const std::vector<Value>& args) = nullptr;
  // `and`, `or`: evaluated by the executor, argument by argument.
  bool short_circuits = false;
};

// functions_go.cc: the built-ins of text/template.
std::span<const FunctionRow> GoFunctions();
// functions_prometheus.cc: template/template.go of Prometheus.
std::span<const FunctionRow> PrometheusFunctions();
// Null when there is none of that name.
const FunctionRow* FindFunction(std::string_view name);

// methods.cc: methods of times and durations: (receiver, arguments) -> value.
struct MethodRow {
  std::string_view name;
  size_t arguments;
  Result<Value> (*call)(const Value& receiver, const std::vector<Value>& args);
  ParameterType parameter = ParameterType::kAny;  // of all arguments
};
// Null when values of this type have no such method.
const MethodRow* FindMethod(const Value& receiver, std::string_view name);

}  // namespace tocsin::templates
