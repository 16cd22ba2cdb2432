// JSON: a streaming writer and a reader that gives a tree.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace tocsin {

class JsonValue;

// Writes one JSON value into a string. `<`, `>` and `&` are escaped as \u003c …, as Go does;
// bytes that are not UTF-8 become U+FFFD. Commas are placed by the writer.
//
//   json.BeginObject().Key("a").BeginArray().String("x").Int(1).EndArray().EndObject();
class JsonWriter {
 public:
  JsonWriter() = default;
  // Goes on behind `text`, as if the first value of a list followed.
  explicit JsonWriter(std::string text) : out_(std::move(text)) {}

  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);
  JsonWriter& String(std::string_view text);
  JsonWriter& Int(int64_t number);
  JsonWriter& Uint(uint64_t number);
  // A JSON number, shortest digits; NaN and the infinities become null.
  JsonWriter& Double(double number);
  JsonWriter& Bool(bool flag);
  JsonWriter& Null();
  // `json` must be one valid JSON value already.
  JsonWriter& Raw(std::string_view json);
  // A tree, its objects in their order.
  JsonWriter& Value(const JsonValue& value);

  // Key and value at once.
  JsonWriter& Field(std::string_view key, std::string_view text) { return Key(key).String(text); }
  JsonWriter& Field(std::string_view key, const char* text) { return Key(key).String(text); }
  JsonWriter& Field(std::string_view key, const std::string& text) { return Key(key).String(text); }
  JsonWriter& Field(std::string_view key, bool flag) { return Key(key).Bool(flag); }
  JsonWriter& Field(std::string_view key, int64_t number) { return Key(key).Int(number); }
  JsonWriter& Field(std::string_view key, int number) { return Key(key).Int(number); }
  JsonWriter& Field(std::string_view key, uint64_t number) { return Key(key).Uint(number); }
  JsonWriter& Field(std::string_view key, double number) { return Key(key).Double(number); }

  const std::string& text() const { return out_; }
  // The text since the last call. The value may go on: a long one is taken piece by piece, each
  // time after the begin of an array or object.
  std::string Take();

 private:
  void Separate();

  std::string out_;
  bool need_comma_ = false;
};

// A parsed JSON value. Objects keep their order; of equal keys the last wins in Find.
class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<std::pair<std::string, JsonValue>>;

  // Refuses more than `max_depth` nested arrays and objects.
  static Result<JsonValue> Parse(std::string_view text, int max_depth = 64);

  JsonValue() = default;
  template <typename T>
  requires(!std::is_same_v<std::decay_t<T>, JsonValue>) explicit JsonValue(T&& value)
      : value_(std::forward<T>(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  const bool* AsBool() const { return std::get_if<bool>(&value_); }
  const double* AsNumber() const { return std::get_if<double>(&value_); }
  const std::string* AsString() const { return std::get_if<std::string>(&value_); }
  const Array* AsArray() const { return std::get_if<Array>(&value_); }
  const Object* AsObject() const { return std::get_if<Object>(&value_); }

  // The member of an object, or null when there is none or this is no object.
  const JsonValue* Find(std::string_view key) const;
  // Walks members: Find("data", "result"). Null when a step is missing.
  template <typename... Keys>
  const JsonValue* Find(std::string_view key, std::string_view next, Keys... rest) const {
    const JsonValue* child = Find(key);
    return child == nullptr ? nullptr : child->Find(next, rest...);
  }
  // The text of a string value, or "" for anything else.
  std::string_view TextOrEmpty() const;

 private:
  std::variant<std::monostate, bool, double, std::string, Array, Object> value_;
};

}  // namespace tocsin
