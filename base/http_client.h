// HTTP requests with deadlines, as an argument: libcurl, or tests/support/fake_http.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tocsin {

struct TlsOptions {
  // Each from a file or as PEM text; the text wins.
  std::string ca_file;
  std::string ca;
  std::string certificate_file;
  std::string certificate;
  std::string key_file;
  std::string key;  // secret
  // Asked for in the handshake and looked for in the certificate, instead of the URL's host.
  std::string server_name;
  bool insecure_skip_verify = false;

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

// Without anything set, connections are direct.
struct ProxyOptions {
  std::string url;                // http:// or socks5://; may hold credentials
  std::string no_proxy;           // hosts that are reached directly, with commas between
  bool from_environment = false;  // http_proxy, https_proxy, no_proxy
  std::vector<std::pair<std::string, std::string>> connect_headers;

  friend bool operator==(const ProxyOptions&, const ProxyOptions&) = default;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // For the whole exchange, connecting included.
  Duration timeout = std::chrono::seconds(10);
  // A longer body, counted after decompression, is an error.
  size_t max_body_bytes = 64 << 20;
  bool follow_redirects = true;
  // Basic authentication when not empty.
  std::string user;
  std::string password;
  TlsOptions tls;
  ProxyOptions proxy;
  // Connect through this Unix socket when not empty.
  std::string unix_socket;
  // A probe makes a connection of its own and fills HttpResponse::details.
  bool probe = false;
  // Of a probe: connect, with TLS for https, and send nothing; the status is 0.
  bool connect_only = false;
  // Asked now and then while the transfer runs; true ends it with kCanceled. May be empty.
  std::function<bool()> canceled;
};

// What a probe saw of the way. Times in seconds since the beginning, 0 for what did not happen.
struct HttpDetails {
  double resolved_s = 0;
  double connected_s = 0;
  double tls_done_s = 0;
  double first_byte_s = 0;
  double total_s = 0;
  double http_version = 0;  // 1.1, 2
  int redirects = 0;
  std::string ip;
  // Of the server's certificate chain, its own first: seconds since the epoch. Empty without TLS.
  std::vector<double> certificate_expiry_s;
};

struct HttpResponse {
  int status = 0;
  // Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
  // Decompressed.
  std::string body;
  // Bytes as they came over the wire.
  size_t wire_bytes = 0;
  // Connections that were made anew because the one kept from an earlier request was gone. Counted
  // where redirects are not followed.
  int reconnects = 0;
  HttpDetails details;  // of a probe

  // The first header of that name (given in lower case), or "".
  std::string_view Header(std::string_view name) const;
};

// Thread safety: Fetch may be called from any thread; calls wait for their own answer only.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // An answer of any status is a success; kTimeout, kUnavailable (connection), kResourceExhausted
  // (body too large), kCanceled or kInvalidArgument (URL) are errors. Messages never hold
  // credentials.
  virtual Result<HttpResponse> Fetch(const HttpRequest& request) = 0;
};

// libcurl with kept connections per thread and Accept-Encoding: gzip. Only http and https.
std::unique_ptr<HttpClient> MakeCurlHttpClient(std::string user_agent);

// "http://user:secret@host/x?token=1" -> "http://host/x": fit for logs and labels.
std::string UrlWithoutSecrets(std::string_view url);
// Percent-encodes everything but unreserved characters.
std::string UrlEncode(std::string_view text);

}  // namespace tocsin
