#include "exporters/celery/celery_message.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/json.h"
#include "base/time.h"

namespace tocsin {
namespace {

constexpr size_t kMaxPayloadBytes = 8 << 20;
constexpr size_t kMaxEventsPerMessage = 10'000;
constexpr size_t kMaxTextBytes = 200;
constexpr int kMaxDepth = 32;

constexpr std::array<int8_t, 256> MakeBase64Values() {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> kBase64Values = MakeBase64Values();

std::string Text(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  return value == nullptr ? "" : std::string(value->TextOrEmpty().substr(0, kMaxTextBytes));
}

double Number(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  const double* number = value == nullptr ? nullptr : value->AsNumber();
  return number == nullptr ? 0 : *number;
}

bool IsJson(const JsonValue& message) {
  const std::string type = Text(message, "content-type");
  return type == "application/json" || type.empty();
}

// "ValueError('bad frame 0')" -> "ValueError"; "other" when that is no name of a class, so that no
// user's text becomes a label.
std::string ExceptionType(const std::string& text) {
  std::string_view type = std::string_view(text).substr(0, text.find('('));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const bool is_name = !type.empty() && type.size() <= 100 && std::ranges::all_of(type, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
  if (text.empty()) return "";
  return is_name ? std::string(type) : "other";
}

// "…\nValueError: bad frame 0\n" -> "ValueError"
std::string LastLineHead(std::string_view traceback) {
  const size_t end = traceback.find_last_not_of("\n\" ");
  if (end == std::string_view::npos) return "";
  traceback = traceback.substr(0, end + 1);
  const size_t begin = traceback.rfind('\n');
  if (begin != std::string_view::npos) traceback.remove_prefix(begin + 1);
  return std::string(traceback.substr(0, std::min(traceback.find(':'), kMaxTextBytes)));
}

// Celery writes "2026-11-23T13:33:14.706897+00:00", and without a zone when UTC is switched off.
std::optional<double> ReadEta(std::string text) {
  if (text.empty()) return std::nullopt;
  const size_t clock = text.find('T');
  if (clock == std::string::npos) return std::nullopt;
  if (text.back() != 'Z' && text.find_first_of("+-", clock) == std::string::npos) text += 'Z';
  const Result<Timestamp> at = ParseRfc3339(text);
  if (!at.ok()) return std::nullopt;
  return ToSeconds(*at);
}

CeleryEvent ReadEvent(const JsonValue& object) {
  CeleryEvent event{.type = Text(object, "type"),
                    .node = Text(object, "hostname"),
                    .uuid = Text(object, "uuid"),
                    .name = Text(object, "name"),
                    .queue = Text(object, "queue"),
                    .timestamp = Number(object, "timestamp"),
                    .runtime = Number(object, "runtime"),
                    .active = Number(object, "active"),
                    .processed = Number(object, "processed"),
                    .eta = ReadEta(Text(object, "eta"))};
  event.host = event.node.substr(event.node.find('@') + 1);
  event.exception = ExceptionType(Text(object, "exception"));
  // Newer versions of Celery's process pool put exceptions into a wrapper that tells nothing.
  if (event.exception == "ExceptionWithTraceback") {
    if (const JsonValue* traceback = object.Find("traceback")) {
      event.exception = ExceptionType(LastLineHead(traceback->TextOrEmpty()));
    }
  }
  return event;
}

}  // namespace

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int8_t value = kBase64Values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>((bits >> held) & 0xff);
  }
  return out;
}

Result<WaitingMessage> ParseWaitingMessage(std::string_view json) {
  ASSIGN_OR_RETURN(const JsonValue message, JsonValue::Parse(json, kMaxDepth));
  WaitingMessage waiting;
  if (const JsonValue* headers = message.Find("headers")) waiting.id = Text(*headers, "id");
  if (const JsonValue* properties = message.Find("properties")) {
    waiting.delivery_tag = Text(*properties, "delivery_tag");
    if (waiting.id.empty()) waiting.id = Text(*properties, "correlation_id");
  }
  if (waiting.delivery_tag.empty()) return InvalidArgument("no message of Celery");
  return waiting;
}

Result<std::vector<CeleryEvent>> ParseEventMessage(std::string_view payload) {
  if (payload.size() > kMaxPayloadBytes) return ResourceExhausted("an event message is too large");
  ASSIGN_OR_RETURN(const JsonValue message, JsonValue::Parse(payload, kMaxDepth));
  const JsonValue* body = message.Find("body");
  if (body == nullptr) return InvalidArgument("an event message without a body");
  if (!IsJson(message)) {
    return InvalidArgument("events as " + Text(message, "content-type") +
                           " are not read, only JSON");
  }
  std::string text(body->TextOrEmpty());
  const JsonValue* properties = message.Find("properties");
  if (properties != nullptr && Text(*properties, "body_encoding") == "base64") {
    std::optional<std::string> decoded = DecodeBase64(text);
    if (!decoded) return InvalidArgument("the body of an event message is no base64");
    text = *std::move(decoded);
  }
  ASSIGN_OR_RETURN(const JsonValue events, JsonValue::Parse(text, kMaxDepth));
  std::vector<CeleryEvent> read;
  if (const JsonValue::Array* many = events.AsArray()) {
    if (many->size() > kMaxEventsPerMessage) {
      return ResourceExhausted("an event message with too many events");
    }
    for (const JsonValue& one : *many) read.push_back(ReadEvent(one));
  } else {
    read.push_back(ReadEvent(events));
  }
  return read;
}

}  // namespace tocsin
