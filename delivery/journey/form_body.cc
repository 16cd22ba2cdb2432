#include "delivery/journey/form_body.h"

namespace tocsin::delivery {
namespace {

constexpr std::string_view kBoundary = "----tocsin-5d1f0c6a9b3e4782";
constexpr std::string_view kFiller = "0123456789abcdef";

// In quotes, with what would end them or the line written as browsers do (RFC 7578, 2; WHATWG).
std::string QuotedName(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') {
      out += "%22";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void AppendContent(std::string& body, const FormPart& part) {
  if (!part.size) {
    body += part.value;
    return;
  }
  const size_t end = body.size() + *part.size;
  body.reserve(end);
  while (body.size() + kFiller.size() <= end) body += kFiller;
  body += kFiller.substr(0, end - body.size());
}

}  // namespace

FormBody EncodeForm(const std::vector<FormPart>& parts) {
  FormBody form;
  form.content_type = "multipart/form-data; boundary=" + std::string(kBoundary);
  std::string& body = form.body;
  for (const FormPart& part : parts) {
    body += "--" + std::string(kBoundary) +
            "\r\nContent-Disposition: form-data; name=" + QuotedName(part.name);
    if (!part.filename.empty()) body += "; filename=" + QuotedName(part.filename);
    body += "\r\n";
    if (!part.content_type.empty()) body += "Content-Type: " + part.content_type + "\r\n";
    body += "\r\n";
    AppendContent(body, part);
    body += "\r\n";
  }
  body += "--" + std::string(kBoundary) + "--\r\n";
  return form;
}

}  // namespace tocsin::delivery
