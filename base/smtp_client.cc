#include "base/smtp_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace tocsin {
namespace {

struct Unsent {
  std::string_view rest;
};

size_t OnRead(char* buffer, size_t size, size_t count, void* user) {
  auto* unsent = static_cast<Unsent*>(user);
  const size_t length = std::min(size * count, unsent->rest.size());
  std::memcpy(buffer, unsent->rest.data(), length);
  unsent->rest.remove_prefix(length);
  return length;
}

bool IsAddress(std::string_view text) {
  const size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find_first_of(" \t\r\n<>,;") == std::string_view::npos;
}

Status CheckAddresses(const MailDelivery& delivery) {
  if (!IsAddress(delivery.from)) {
    return InvalidArgument("\"" + delivery.from + "\" is no mail address");
  }
  if (delivery.to.empty()) return InvalidArgument("the mail has nobody to go to");
  for (const std::string& address : delivery.to) {
    if (!IsAddress(address)) return InvalidArgument("\"" + address + "\" is no mail address");
  }
  return Ok();
}

Error ToError(CURLcode code, const MailDelivery& delivery, const char* detail) {
  const std::string server = UrlWithoutSecrets(delivery.url);
  const char* const reason = detail[0] != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return TimedOut(fmt::format("{}: the mail was not taken within {}", server,
                                  FormatPrometheusDuration(delivery.timeout)));
    case CURLE_LOGIN_DENIED:
      return PermissionDenied(fmt::format("{}: user or password refused: {}", server, reason));
    case CURLE_USE_SSL_FAILED:
      return Unavailable(
          fmt::format("{}: the server cannot do STARTTLS, and nothing is sent "
                      "without it: {}",
                      server, reason));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return InvalidArgument(
          fmt::format("{}: write smtp://HOST:587 or smtps://HOST:465: {}", server, reason));
    default:
      return Unavailable(fmt::format("{}: {}", server, reason));
  }
}

void SetTls(CURL* handle, const MailDelivery& delivery) {
  if (delivery.url.starts_with("smtp://") && delivery.starttls) {
    curl_easy_setopt(handle, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  }
  if (!delivery.tls.ca_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, delivery.tls.ca_file.c_str());
  }
  if (delivery.tls.insecure_skip_verify) {
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

}  // namespace

Status SendMail(const MailDelivery& delivery) {
  RETURN_IF_ERROR(CheckAddresses(delivery));
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(),
                                                                   &curl_easy_cleanup);
  if (handle == nullptr) return InternalError("libcurl gives no handle");
  curl_slist* list = nullptr;
  for (const std::string& address : delivery.to) {
    list = curl_slist_append(list, ("<" + address + ">").c_str());
  }
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(
      list, &curl_slist_free_all);
  Unsent unsent{.rest = delivery.message};
  char detail[CURL_ERROR_SIZE] = "";
  CURL* const curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_URL, delivery.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   std::max<long>(1, static_cast<long>(delivery.timeout.count())));
  if (!delivery.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, delivery.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, delivery.password.c_str());
  }
  const std::string from = "<" + delivery.from + ">";
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, &OnRead);
  curl_easy_setopt(curl, CURLOPT_READDATA, &unsent);
  SetTls(curl, delivery);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) return ToError(code, delivery, detail);
  return Ok();
}

}  // namespace tocsin
