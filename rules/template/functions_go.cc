#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <compare>
#include <optional>

#include "base/http_client.h"
#include "rules/template/escape.h"
#include "rules/template/functions.h"
#include "rules/template/printf.h"

namespace tocsin::templates {
namespace {

using Args = std::vector<Value>;

// What html, js and urlquery work on: a single text as it is, anything else as print shows it.
std::string Printed(const Args& args) {
  return args.size() == 1 && args[0].As<std::string>() != nullptr ? *args[0].As<std::string>()
                                                                  : Sprint(args);
}

Result<Value> Not(const Environment& /*environment*/, const Args& args) {
  return Value(!args[0].IsTrue());
}
Result<Value> Print(const Environment& /*environment*/, const Args& args) {
  return Value(Sprint(args));
}
Result<Value> Println(const Environment& /*environment*/, const Args& args) {
  std::string out;
  for (const Value& arg : args) {
    if (!out.empty()) out += ' ';
    out += arg.is_nil() ? "<nil>" : arg.Print();
  }
  return Value(out + "\n");
}
Result<Value> Printf(const Environment& /*environment*/, const Args& args) {
  return Value(Sprintf(*args[0].As<std::string>(), Args(args.begin() + 1, args.end())));
}
Result<Value> Html(const Environment& /*environment*/, const Args& args) {
  return Value(EscapeHtml(Printed(args)));
}
Result<Value> Js(const Environment& /*environment*/, const Args& args) {
  return Value(EscapeJs(Printed(args)));
}
Result<Value> UrlQuery(const Environment& /*environment*/, const Args& args) {
  return Value(EscapeQuery(Printed(args)));
}
// Templates of alerts have no values that are functions.
Result<Value> Call(const Environment& /*environment*/, const Args& args) {
  if (args[0].is_nil()) return ExecutionError("call of nil");
  return ExecutionError(fmt::format("non-function of type {}", args[0].TypeName()));
}

Result<Value> Len(const Environment& /*environment*/, const Args& args) {
  const auto size = [](size_t n) { return Value(static_cast<int64_t>(n)); };
  if (const auto* text = args[0].As<std::string>()) return size(text->size());
  if (const auto* labels = args[0].As<LabelMap>()) return size((*labels)->size());
  if (const auto* map = args[0].As<Map>()) return size((*map)->size());
  if (const auto* list = args[0].As<List>()) return size((*list)->size());
  if (args[0].is_nil()) {
    return ExecutionError("reflect: call of reflect.Value.Type on zero Value");
  }
  return ExecutionError(fmt::format("len of type {}", args[0].TypeName()));
}

// --- index and slice --------------------------------------------------------------------------

// A position in something of `size` elements; `limit` is the first that is too large.
Result<size_t> Position(const Value& value, size_t limit) {
  if (value.is_nil()) return ExecutionError("cannot index slice/array with nil");
  const auto* position = value.As<int64_t>();
  if (position == nullptr) {
    return ExecutionError(fmt::format("cannot index slice/array with type {}", value.TypeName()));
  }
  if (*position < 0 || static_cast<size_t>(*position) >= limit) {
    return ExecutionError(fmt::format("index out of range: {}", *position));
  }
  return static_cast<size_t>(*position);
}

Result<std::string> MapKey(const Value& value) {
  if (const auto* key = value.As<std::string>()) return *key;
  if (value.is_nil()) return ExecutionError("value is nil; should be of type string");
  return ExecutionError(fmt::format("value has type {}; should be string", value.TypeName()));
}

Result<Value> Element(const Value& item, const Value& key) {
  if (const auto* labels = item.As<LabelMap>()) {
    ASSIGN_OR_RETURN(const std::string name, MapKey(key));
    return Value((*labels)->Get(name));
  }
  if (const auto* map = item.As<Map>()) {
    ASSIGN_OR_RETURN(const std::string name, MapKey(key));
    const auto found = (*map)->find(name);
    return found == (*map)->end() ? Value() : found->second;
  }
  if (const auto* list = item.As<List>()) {
    ASSIGN_OR_RETURN(const size_t at, Position(key, (*list)->size()));
    return (**list)[at];
  }
  if (const auto* text = item.As<std::string>()) {
    ASSIGN_OR_RETURN(const size_t at, Position(key, text->size()));
    return Value(static_cast<int64_t>(static_cast<unsigned char>((*text)[at])));
  }
  if (item.is_nil()) return ExecutionError("index of untyped nil");
  return ExecutionError(fmt::format("can't index item of type {}", item.TypeName()));
}

Result<Value> Index(const Environment& /*environment*/, const Args& args) {
  Value item = args[0];
  for (size_t i = 1; i < args.size(); ++i) {
    ASSIGN_OR_RETURN(item, Element(item, args[i]));
  }
  return item;
}

Result<Value> Slice(const Environment& /*environment*/, const Args& args) {
  if (args[0].is_nil()) return ExecutionError("slice of untyped nil");
  if (args.size() > 4) {
    return ExecutionError(fmt::format("too many slice indexes: {}", args.size() - 1));
  }
  const auto* text = args[0].As<std::string>();
  const auto* list = args[0].As<List>();
  if (text == nullptr && list == nullptr) {
    return ExecutionError(fmt::format("can't slice item of type {}", args[0].TypeName()));
  }
  if (text != nullptr && args.size() == 4) return ExecutionError("cannot 3-index slice a string");
  const size_t size = text != nullptr ? text->size() : (*list)->size();
  std::array<size_t, 3> at = {0, size, size};
  for (size_t i = 1; i < args.size(); ++i) {
    ASSIGN_OR_RETURN(at[i - 1], Position(args[i], size + 1));
  }
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (at[i] > at[i + 1] && args.size() > i + 2) {
      return ExecutionError(fmt::format("invalid slice index: {} > {}", at[i], at[i + 1]));
    }
  }
  if (at[0] > at[1]) {
    return ExecutionError(fmt::format("invalid slice index: {} > {}", at[0], at[1]));
  }
  if (text != nullptr) return Value(text->substr(at[0], at[1] - at[0]));
  const auto begin = (*list)->begin();
  return Value(std::make_shared<std::vector<Value>>(begin + static_cast<std::ptrdiff_t>(at[0]),
                                                    begin + static_cast<std::ptrdiff_t>(at[1])));
}

// --- comparison -------------------------------------------------------------------------------

enum class Kind { kNil, kBool, kInt, kFloat, kText, kOther };

Kind KindOf(const Value& value) {
  if (value.is_nil()) return Kind::kNil;
  if (value.As<bool>() != nullptr) return Kind::kBool;
  if (value.As<int64_t>() != nullptr || value.As<TimeSpan>() != nullptr) return Kind::kInt;
  if (value.As<double>() != nullptr) return Kind::kFloat;
  if (value.As<std::string>() != nullptr) return Kind::kText;
  return Kind::kOther;
}

int64_t Integer(const Value& value) {
  const auto* span = value.As<TimeSpan>();
  return span != nullptr ? span->ns : *value.As<int64_t>();
}

// Of values of the same kind, none of them nil or of another kind.
std::partial_ordering Compare(Kind kind, const Value& a, const Value& b) {
  if (kind == Kind::kBool) return *a.As<bool>() <=> *b.As<bool>();
  if (kind == Kind::kInt) return Integer(a) <=> Integer(b);
  if (kind == Kind::kFloat) return *a.As<double>() <=> *b.As<double>();
  return *a.As<std::string>() <=> *b.As<std::string>();
}

constexpr char kWrongTypes[] = "incompatible types for comparison";

Result<bool> AreEqual(const Value& a, const Value& b) {
  const Kind kind = KindOf(a);
  if (kind != KindOf(b)) {
    if (a.is_nil() || b.is_nil()) return false;
    return ExecutionError(kWrongTypes);
  }
  if (kind == Kind::kNil) return true;
  if (kind == Kind::kOther) {
    return ExecutionError(fmt::format("non-comparable type {}: {}", a.Print(), a.TypeName()));
  }
  return Compare(kind, a, b) == 0;
}

Result<bool> IsLess(const Value& a, const Value& b) {
  const Kind kind = KindOf(a);
  const auto has_order = [](Kind k) {
    return k == Kind::kInt || k == Kind::kFloat || k == Kind::kText;
  };
  if (!has_order(kind) && kind != Kind::kBool) {
    return ExecutionError("invalid type for comparison");
  }
  if (kind != KindOf(b)) return ExecutionError(kWrongTypes);
  if (!has_order(kind)) return ExecutionError("invalid type for comparison");
  return Compare(kind, a, b) < 0;
}

Result<Value> Eq(const Environment& /*environment*/, const Args& args) {
  if (args.size() == 1) return ExecutionError("missing argument for comparison");
  for (size_t i = 1; i < args.size(); ++i) {
    ASSIGN_OR_RETURN(const bool equal, AreEqual(args[0], args[i]));
    if (equal) return Value(true);
  }
  return Value(false);
}
Result<Value> Ne(const Environment& /*environment*/, const Args& args) {
  ASSIGN_OR_RETURN(const bool equal, AreEqual(args[0], args[1]));
  return Value(!equal);
}
Result<Value> Lt(const Environment& /*environment*/, const Args& args) {
  ASSIGN_OR_RETURN(const bool less, IsLess(args[0], args[1]));
  return Value(less);
}
Result<Value> Le(const Environment& /*environment*/, const Args& args) {
  ASSIGN_OR_RETURN(const bool less, IsLess(args[0], args[1]));
  if (less) return Value(true);
  ASSIGN_OR_RETURN(const bool equal, AreEqual(args[0], args[1]));
  return Value(equal);
}
// As in Go, > and >= are what is left of <= and <: true for NaN.
Result<Value> Gt(const Environment& environment, const Args& args) {
  ASSIGN_OR_RETURN(const Value not_greater, Le(environment, args));
  return Value(!not_greater.IsTrue());
}
Result<Value> Ge(const Environment& environment, const Args& args) {
  ASSIGN_OR_RETURN(const Value less, Lt(environment, args));
  return Value(!less.IsTrue());
}

}  // namespace

std::span<const FunctionRow> GoFunctions() {
  using enum ParameterType;
  static const FunctionRow kRows[] = {
      {"and", {kAny, kAny}, true, "The first empty argument, or else the last.", nullptr, true},
      {"call", {kAny, kAny}, true, "Calls a function value; alert templates have none.", &Call},
      {"eq", {kAny, kAny}, true, "Whether the first equals any of the others.", &Eq},
      {"ge", {kAny, kAny}, false, "a >= b", &Ge},
      {"gt", {kAny, kAny}, false, "a > b", &Gt},
      {"html", {kAny}, true, "Escapes for HTML.", &Html},
      {"index", {kAny, kAny}, true, "An element of a map or list: index x 1 2 is x[1][2].", &Index},
      {"js", {kAny}, true, "Escapes for a JavaScript string.", &Js},
      {"le", {kAny, kAny}, false, "a <= b", &Le},
      {"len", {kAny}, false, "The length of a text, list or map.", &Len},
      {"lt", {kAny, kAny}, false, "a < b", &Lt},
      {"ne", {kAny, kAny}, false, "a != b", &Ne},
      {"not", {kAny}, false, "Whether the argument is empty.", &Not},
      {"or",
       {kAny, kAny},
       true,
       "The first argument that is not empty, or else the last.",
       nullptr,
       true},
      {"print", {kAny}, true, "The arguments as a text.", &Print},
      {"printf", {kString, kAny}, true, "The arguments in a format, as Go's fmt.Sprintf.", &Printf},
      {"println", {kAny}, true, "The arguments with spaces between and a newline.", &Println},
      {"slice", {kAny, kAny}, true, "A part of a text or list: slice x 1 2 is x[1:2].", &Slice},
      {"urlquery", {kAny}, true, "Escapes for the query of a URL.", &UrlQuery},
  };
  return kRows;
}

}  // namespace tocsin::templates
