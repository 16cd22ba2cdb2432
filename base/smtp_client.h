// Sends mail over SMTP, by libcurl.
#pragma once

#include <string>
#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "base/time.h"

namespace tocsin {

// A finished message and the way to its first server.
struct MailDelivery {
  // "smtp://mail.example:587" or "smtps://mail.example:465" (TLS from the first byte).
  std::string url;
  // smtp:// only: STARTTLS is a condition, so that neither password nor text goes in the clear.
  bool starttls = true;
  // Authentication when not empty; the password is secret.
  std::string user;
  std::string password;
  std::string from;  // bare addresses
  std::vector<std::string> to;
  std::string message;  // RFC 5322: headers, an empty line, the body; lines end in \r\n
  Duration timeout = std::chrono::seconds(30);  // for the whole exchange
  TlsOptions tls;
};

// kTimeout; kPermissionDenied: the server refuses user or password; kUnavailable: it cannot be
// reached, cannot do TLS, or refuses the message; kInvalidArgument: the URL or an address. Messages
// never hold the password.
Status SendMail(const MailDelivery& delivery);

}  // namespace tocsin
