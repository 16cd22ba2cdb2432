#include "delivery/report/report_mail.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace tocsin::delivery {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string Base64(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t length = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < length ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += j <= length ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

// RFC 2047 where it is not plain ASCII; no line breaks, which would be headers of their own.
std::string HeaderText(std::string_view text) {
  bool plain = true;
  std::string line;
  for (const char c : text) {
    plain = plain && c >= ' ' && c <= '~';
    line += c == '\r' || c == '\n' ? ' ' : c;
  }
  return plain ? line : "=?UTF-8?B?" + Base64(line) + "?=";
}

// "Mon, 23 Nov 2026 08:00:00 +0000"
std::string MailDate(Timestamp at) {
  const std::string time = FormatReportTime(at);  // Mon 23 Nov 2026, 08:00 UTC
  const size_t space = time.find(' ');
  const size_t comma = time.find(',');
  const auto second = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count() % 60;
  return fmt::format("{}, {} {}:{:02} +0000", time.substr(0, space),
                     time.substr(space + 1, comma - space - 1), time.substr(comma + 2, 5), second);
}

std::string Part(std::string_view type, std::string_view more, std::string_view body) {
  return fmt::format(
      "Content-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n{}\r\n{}", type,
      more, Base64Lines(body));
}

}  // namespace

std::string Base64Lines(std::string_view bytes) {
  constexpr size_t kLine = 76;
  const std::string text = Base64(bytes);
  std::string lines;
  for (size_t i = 0; i < text.size(); i += kLine) lines += text.substr(i, kLine) + "\r\n";
  return lines;
}

std::string RenderReportMail(const Report& report, const MailEnvelope& envelope) {
  const std::string page = RenderReportHtml(report);
  const std::string id =
      fmt::format("{:016x}", Hash64(page, static_cast<uint64_t>(ToMs(envelope.date))));
  std::string to;
  for (const std::string& address : envelope.to) to += (to.empty() ? "" : ", ") + address;
  const std::string domain = envelope.from.substr(envelope.from.find('@') + 1);
  std::string mail = fmt::format(
      "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@{}>\r\n"
      "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/mixed; boundary=\"mixed-{}\"\r\n\r\n",
      HeaderText(envelope.from), HeaderText(to),
      HeaderText(report.title + ": " + FormatReportPeriod(report.period)), MailDate(envelope.date),
      id, HeaderText(domain), id);
  mail += fmt::format(
      "--mixed-{0}\r\nContent-Type: multipart/alternative; boundary=\"alternative-{0}\"\r\n\r\n",
      id);
  mail += fmt::format("--alternative-{}\r\n{}", id,
                      Part("text/plain", "", RenderReportText(report, false)));
  mail += fmt::format("--alternative-{0}\r\n{1}--alternative-{0}--\r\n", id,
                      Part("text/html", "", RenderReportMailHtml(report)));
  mail += fmt::format(
      "--mixed-{0}\r\n{1}--mixed-{0}--\r\n", id,
      Part("text/html", "Content-Disposition: attachment; filename=\"report.html\"\r\n", page));
  return mail;
}

}  // namespace tocsin::delivery
