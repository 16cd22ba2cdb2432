#include "base/json.h"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <array>
#include <cmath>

#include "base/go_float.h"
#include "base/json_text.h"

namespace tocsin {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// The length of the UTF-8 character at `text[0]`, 0 when it is none (Unicode table 3-7).
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i, unsigned char low = 0x80, unsigned char high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned char low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned char low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// By byte: whether it stands for itself, on its own.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; ++c) {
    plain[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
  }
  return plain;
}();

bool IsPlain(char character) { return kPlain[static_cast<unsigned char>(character)]; }

// Builds a JsonValue from RapidJSON's events, bounded in depth.
class TreeBuilder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, TreeBuilder> {
 public:
  explicit TreeBuilder(int max_depth) : max_depth_(static_cast<size_t>(max_depth)) {}

  bool Null() { return Add(JsonValue()); }
  bool Bool(bool b) { return Add(JsonValue(b)); }
  bool Int(int i) { return Add(JsonValue(static_cast<double>(i))); }
  bool Uint(unsigned i) { return Add(JsonValue(static_cast<double>(i))); }
  bool Int64(int64_t i) { return Add(JsonValue(static_cast<double>(i))); }
  bool Uint64(uint64_t i) { return Add(JsonValue(static_cast<double>(i))); }
  bool Double(double d) { return Add(JsonValue(d)); }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    return Add(JsonValue(std::string(text, length)));
  }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    open_.back().keys.emplace_back(text, length);
    return true;
  }
  bool StartObject() { return Open(); }
  bool StartArray() { return Open(); }
  bool EndObject(rapidjson::SizeType) {
    Level level = Close();
    JsonValue::Object object;
    object.reserve(level.values.size());
    for (size_t i = 0; i < level.values.size(); ++i) {
      object.emplace_back(std::move(level.keys[i]), std::move(level.values[i]));
    }
    return Add(JsonValue(std::move(object)));
  }
  bool EndArray(rapidjson::SizeType) { return Add(JsonValue(Close().values)); }

  JsonValue TakeRoot() { return std::move(root_); }

 private:
  struct Level {
    std::vector<std::string> keys;
    JsonValue::Array values;
  };
  bool Open() {
    if (open_.size() >= max_depth_) return false;
    open_.emplace_back();
    return true;
  }
  Level Close() {
    Level level = std::move(open_.back());
    open_.pop_back();
    return level;
  }
  bool Add(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else {
      open_.back().values.push_back(std::move(value));
    }
    return true;
  }

  size_t max_depth_;
  std::vector<Level> open_;
  JsonValue root_;
};

}  // namespace

void AppendJsonText(std::string& out, std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    // Nearly all text is plain to its end.
    const size_t begin = i;
    while (i < text.size() && IsPlain(text[i])) ++i;
    out.append(text.substr(begin, i - begin));
    if (i == text.size()) return;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      const size_t length = Utf8Length(text.substr(i));
      if (length == 0) {
        out += "\\ufffd";
        ++i;
        continue;
      }
      const std::string_view character = text.substr(i, length);
      // Go escapes the two line separators, which JavaScript strings may not hold.
      if (character == "\xE2\x80\xA8") {
        out += "\\u2028";
      } else if (character == "\xE2\x80\xA9") {
        out += "\\u2029";
      } else {
        out += character;
      }
      i += length;
      continue;
    }
    ++i;
    switch (c) {
      case '"':
        out += "\\\"";
        continue;
      case '\\':
        out += "\\\\";
        continue;
      case '\n':
        out += "\\n";
        continue;
      case '\r':
        out += "\\r";
        continue;
      case '\t':
        out += "\\t";
        continue;
      default:
        break;
    }
    if (c < 0x20 || c == '<' || c == '>' || c == '&') {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += static_cast<char>(c);
    }
  }
}

void JsonWriter::Separate() {
  if (need_comma_) out_ += ',';
  need_comma_ = true;
}

JsonWriter& JsonWriter::BeginObject() {
  Separate();
  out_ += '{';
  need_comma_ = false;
  return *this;
}
JsonWriter& JsonWriter::EndObject() {
  out_ += '}';
  need_comma_ = true;
  return *this;
}
JsonWriter& JsonWriter::BeginArray() {
  Separate();
  out_ += '[';
  need_comma_ = false;
  return *this;
}
JsonWriter& JsonWriter::EndArray() {
  out_ += ']';
  need_comma_ = true;
  return *this;
}
JsonWriter& JsonWriter::Key(std::string_view key) {
  String(key);
  out_ += ':';
  need_comma_ = false;
  return *this;
}
JsonWriter& JsonWriter::String(std::string_view text) {
  Separate();
  out_ += '"';
  AppendJsonText(out_, text);
  out_ += '"';
  return *this;
}
JsonWriter& JsonWriter::Int(int64_t number) {
  Separate();
  fmt::format_to(std::back_inserter(out_), "{}", number);
  return *this;
}
JsonWriter& JsonWriter::Uint(uint64_t number) {
  Separate();
  fmt::format_to(std::back_inserter(out_), "{}", number);
  return *this;
}
JsonWriter& JsonWriter::Double(double number) {
  if (!std::isfinite(number)) return Null();
  Separate();
  out_ += FormatJsonSample(number);
  return *this;
}
JsonWriter& JsonWriter::Bool(bool flag) {
  Separate();
  out_ += flag ? "true" : "false";
  return *this;
}
JsonWriter& JsonWriter::Null() {
  Separate();
  out_ += "null";
  return *this;
}
JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
  return *this;
}
JsonWriter& JsonWriter::Value(const JsonValue& value) {
  if (const bool* flag = value.AsBool()) return Bool(*flag);
  if (const double* number = value.AsNumber()) return Double(*number);
  if (const std::string* text = value.AsString()) return String(*text);
  if (const JsonValue::Array* array = value.AsArray()) {
    BeginArray();
    for (const JsonValue& element : *array) Value(element);
    return EndArray();
  }
  if (const JsonValue::Object* object = value.AsObject()) {
    BeginObject();
    for (const auto& [name, member] : *object) Key(name).Value(member);
    return EndObject();
  }
  return Null();
}

std::string JsonWriter::Take() {
  need_comma_ = false;
  return std::exchange(out_, {});
}

Result<JsonValue> JsonValue::Parse(std::string_view text, int max_depth) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  TreeBuilder builder(max_depth);
  const auto parsed =
      reader.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(stream,
                                                                                           builder);
  if (parsed.IsError()) {
    if (parsed.Code() == rapidjson::kParseErrorTermination) {
      return InvalidArgument(fmt::format("JSON nested deeper than {} levels", max_depth));
    }
    return InvalidArgument(fmt::format("JSON error at byte {}: {}", parsed.Offset(),
                                       rapidjson::GetParseError_En(parsed.Code())));
  }
  return builder.TakeRoot();
}

const JsonValue* JsonValue::Find(std::string_view key) const {
  const Object* object = AsObject();
  if (object == nullptr) return nullptr;
  for (auto member = object->rbegin(); member != object->rend(); ++member) {
    if (member->first == key) return &member->second;
  }
  return nullptr;
}

std::string_view JsonValue::TextOrEmpty() const {
  const std::string* text = AsString();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

}  // namespace tocsin
