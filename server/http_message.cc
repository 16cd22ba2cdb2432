#include "server/http_message.h"

#include <algorithm>

namespace tocsin::server {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "gzip;q=0.5" -> {"gzip", false}; the flag says that the weight is zero.
struct Coding {
  std::string_view name;
  bool refused;
};

Coding ParseCoding(std::string_view item) {
  const size_t semicolon = item.find(';');
  const std::string_view name = Trim(item.substr(0, semicolon));
  if (semicolon == std::string_view::npos) return {name, false};
  const std::string_view weight = Trim(item.substr(semicolon + 1));
  if (!weight.starts_with("q=")) return {name, false};
  return {name, weight.find_first_of("123456789") == std::string_view::npos};
}

}  // namespace

std::string UrlDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
      continue;
    }
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
      continue;
    }
    out += text[i];
  }
  return out;
}

void Parameters::AddEncoded(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    Add(UrlDecode(part.substr(0, equals)),
        equals == std::string_view::npos ? "" : UrlDecode(part.substr(equals + 1)));
  }
}

std::string_view Parameters::Get(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return {};
}

bool Parameters::Has(std::string_view name) const {
  return std::any_of(pairs_.begin(), pairs_.end(),
                     [name](const auto& pair) { return pair.first == name; });
}

std::vector<std::string> Parameters::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : pairs_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::string_view HttpServerRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

HttpServerResponse PlainText(int status, std::string text) {
  HttpServerResponse response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

bool AcceptsGzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
    const Coding coding = ParseCoding(accept_encoding.substr(0, end));
    if (coding.name == "gzip") return !coding.refused;
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
  }
  return false;
}

}  // namespace tocsin::server
