#include "base/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <set>

#include "base/thread_annotations.h"

namespace tocsin {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What the callbacks of one transfer fill.
struct Transfer {
  const HttpRequest* request;
  HttpResponse response;
  bool too_large = false;
};

// Room for the announced body, so that a large one is not copied from buffer to larger buffer. What
// is announced falsely costs addresses and no memory.
void Reserve(Transfer& transfer) {
  const std::string_view announced = transfer.response.Header("content-length");
  size_t length = 0;
  std::from_chars(announced.data(), announced.data() + announced.size(), length);
  transfer.response.body.reserve(std::min(length, transfer.request->max_body_bytes));
}

size_t OnBody(char* bytes, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const size_t length = size * count;
  if (transfer->response.body.size() + length > transfer->request->max_body_bytes) {
    transfer->too_large = true;
    return 0;
  }
  if (transfer->response.body.empty()) Reserve(*transfer);
  transfer->response.body.append(bytes, length);
  return length;
}

size_t OnHeader(char* bytes, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::string_view line(bytes, size * count);
  // A new status line: the headers of a redirect or "100 Continue" do not count.
  if (line.starts_with("HTTP/")) transfer->response.headers.clear();
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || transfer->response.headers.size() >= 200) {
    return line.size();
  }
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  const size_t begin = line.find_first_not_of(" \t", colon + 1);
  const size_t end = line.find_last_not_of(" \t\r\n");
  std::string value;
  if (begin != std::string_view::npos && end >= begin) value = line.substr(begin, end - begin + 1);
  transfer->response.headers.emplace_back(std::move(name), std::move(value));
  return line.size();
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* transfer = static_cast<const Transfer*>(user);
  return transfer->request->canceled && transfer->request->canceled() ? 1 : 0;
}

void SetString(CURL* handle, CURLoption option, const std::string& value) {
  if (!value.empty()) curl_easy_setopt(handle, option, value.c_str());
}

void SetText(CURL* handle, CURLoption blob_option, CURLoption file_option, const std::string& text,
             const std::string& file) {
  if (text.empty()) return SetString(handle, file_option, file);
  curl_blob blob = {.data = const_cast<char*>(text.data()),  // NOLINT: curl copies it
                    .len = text.size(),
                    .flags = CURL_BLOB_COPY};
  curl_easy_setopt(handle, blob_option, &blob);
}

void SetTls(CURL* handle, const TlsOptions& tls) {
  SetText(handle, CURLOPT_CAINFO_BLOB, CURLOPT_CAINFO, tls.ca, tls.ca_file);
  SetText(handle, CURLOPT_SSLCERT_BLOB, CURLOPT_SSLCERT, tls.certificate, tls.certificate_file);
  SetText(handle, CURLOPT_SSLKEY_BLOB, CURLOPT_SSLKEY, tls.key, tls.key_file);
  if (tls.insecure_skip_verify) {
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

// Lists that a transfer uses until its end.
struct Lists {
  std::unique_ptr<curl_slist, ListDeleter> headers;
  std::unique_ptr<curl_slist, ListDeleter> proxy_headers;
  std::unique_ptr<curl_slist, ListDeleter> connect_to;
};

void Append(std::unique_ptr<curl_slist, ListDeleter>& list, const std::string& line) {
  list.reset(curl_slist_append(list.release(), line.c_str()));
}

void SetProxy(CURL* handle, const ProxyOptions& proxy, Lists& lists) {
  // Without an explicit "" libcurl would look into the environment by itself.
  if (!proxy.from_environment) {
    curl_easy_setopt(handle, CURLOPT_PROXY, proxy.url.c_str());
    curl_easy_setopt(handle, CURLOPT_NOPROXY, proxy.no_proxy.c_str());
  }
  for (const auto& [name, value] : proxy.connect_headers) {
    Append(lists.proxy_headers, fmt::format("{}: {}", name, value));
  }
  if (lists.proxy_headers == nullptr) return;
  curl_easy_setopt(handle, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(handle, CURLOPT_PROXYHEADER, lists.proxy_headers.get());
}

// libcurl takes the name for the handshake from the URL only. So the URL gets the name to ask
// for, the connection goes to the real host, and the header Host says what it would have said.
void SetServerName(CURL* handle, const HttpRequest& request, Lists& lists) {
  if (request.tls.server_name.empty() || !request.url.starts_with("https://")) return;
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, request.url.c_str(), 0) != CURLUE_OK) return;
  const auto part = [&](CURLUPart which, unsigned flags) {
    char* text = nullptr;
    std::string copy;
    if (curl_url_get(url.get(), which, &text, flags) == CURLUE_OK) copy = text;
    curl_free(text);
    return copy;
  };
  const std::string host = part(CURLUPART_HOST, 0);
  const std::string written_port = part(CURLUPART_PORT, 0);
  const std::string port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  Append(lists.headers, written_port.empty() ? fmt::format("Host: {}", host)
                                             : fmt::format("Host: {}:{}", host, written_port));
  Append(lists.connect_to, fmt::format("{}:{}:{}:{}", request.tls.server_name, port, host, port));
  curl_url_set(url.get(), CURLUPART_HOST, request.tls.server_name.c_str(), 0);
  curl_easy_setopt(handle, CURLOPT_URL, part(CURLUPART_URL, 0).c_str());
  curl_easy_setopt(handle, CURLOPT_CONNECT_TO, lists.connect_to.get());
}

Error ToError(CURLcode code, const Transfer& transfer, const char* detail) {
  const HttpRequest& request = *transfer.request;
  const std::string what = fmt::format("{} {}", request.method, UrlWithoutSecrets(request.url));
  if (transfer.too_large) {
    return ResourceExhausted(
        fmt::format("{}: body is larger than {} bytes", what, request.max_body_bytes));
  }
  const char* reason = detail[0] != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return TimedOut(
          fmt::format("{}: no answer within {}", what, FormatPrometheusDuration(request.timeout)));
    case CURLE_ABORTED_BY_CALLBACK:
      return Canceled(fmt::format("{}: canceled", what));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return InvalidArgument(fmt::format("{}: {}", what, reason));
    default:
      return Unavailable(fmt::format("{}: {}", what, reason));
  }
}

double SecondsInfo(CURL* handle, CURLINFO what) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(handle, what, &microseconds);
  return static_cast<double>(microseconds) / 1e6;
}

// libcurl gives a certificate as lines; one is "Expire date:Nov 25 15:11:20 2026 GMT".
std::vector<double> CertificateExpiry(CURL* handle) {
  constexpr std::string_view kExpiry = "Expire date:";
  std::vector<double> expiry;
  curl_certinfo* chain = nullptr;
  if (curl_easy_getinfo(handle, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr) {
    return expiry;
  }
  for (int i = 0; i < chain->num_of_certs; ++i) {
    for (const curl_slist* line = chain->certinfo[i]; line != nullptr; line = line->next) {
      const std::string_view text = line->data;
      if (!text.starts_with(kExpiry)) continue;
      const time_t at = curl_getdate(line->data + kExpiry.size(), nullptr);
      if (at != -1) expiry.push_back(static_cast<double>(at));
    }
  }
  return expiry;
}

HttpDetails ReadDetails(CURL* handle) {
  HttpDetails details{.resolved_s = SecondsInfo(handle, CURLINFO_NAMELOOKUP_TIME_T),
                      .connected_s = SecondsInfo(handle, CURLINFO_CONNECT_TIME_T),
                      .tls_done_s = SecondsInfo(handle, CURLINFO_APPCONNECT_TIME_T),
                      .first_byte_s = SecondsInfo(handle, CURLINFO_STARTTRANSFER_TIME_T),
                      .total_s = SecondsInfo(handle, CURLINFO_TOTAL_TIME_T)};
  long number = 0;
  curl_easy_getinfo(handle, CURLINFO_REDIRECT_COUNT, &number);
  details.redirects = static_cast<int>(number);
  curl_easy_getinfo(handle, CURLINFO_HTTP_VERSION, &number);
  details.http_version = number == CURL_HTTP_VERSION_1_0   ? 1.0
                         : number == CURL_HTTP_VERSION_1_1 ? 1.1
                         : number == CURL_HTTP_VERSION_2_0 ? 2.0
                         : number == CURL_HTTP_VERSION_3   ? 3.0
                                                           : 0;
  const char* ip = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIMARY_IP, &ip);
  if (ip != nullptr) details.ip = ip;
  details.certificate_expiry_s = CertificateExpiry(handle);
  return details;
}

// "http://host:port/x" -> "http://host:port".
std::string_view OriginOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

// A handle with the connections that it keeps open, and the servers they lead to.
struct KeptHandle {
  CurlHandle curl;
  std::set<std::string> origins;

  // How many connections of the last transfer took the place of one that was kept. One that the
  // server said it would close was not.
  int CountReconnects(const HttpRequest& request, const HttpResponse& response) {
    constexpr size_t kMaxOrigins = 1000;
    long connections = 0;
    long version = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(curl.get(), CURLINFO_HTTP_VERSION, &version);
    const std::string origin(OriginOf(request.url));
    const bool kept = origins.contains(origin);
    const bool closes =
        version == CURL_HTTP_VERSION_1_0 || response.Header("connection") == "close";
    if (closes) {
      origins.erase(origin);
    } else if (!kept) {
      if (origins.size() >= kMaxOrigins) origins.clear();
      origins.insert(origin);
    }
    return static_cast<int>(std::max(0L, kept ? connections : connections - 1));
  }
};

class CurlHttpClient final : public HttpClient {
 public:
  explicit CurlHttpClient(std::string user_agent) : user_agent_(std::move(user_agent)) {
    static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(initialized);
  }

  Result<HttpResponse> Fetch(const HttpRequest& request) override {
    // A probe must not find an open connection.
    KeptHandle handle = request.probe ? NewHandle() : Borrow();
    if (handle.curl == nullptr) return InternalError("libcurl gives no handle");
    Result<HttpResponse> result = Perform(handle.curl.get(), request);
    if (result.ok() && !request.follow_redirects) {
      result->reconnects = handle.CountReconnects(request, *result);
    }
    if (!request.probe) GiveBack(std::move(handle));
    return result;
  }

 private:
  // Handles keep their connections open, so they are reused, the last one first.
  KeptHandle Borrow() {
    const MutexLock lock(mutex_);
    if (idle_.empty()) return NewHandle();
    KeptHandle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  // There are as many as there were requests at once.
  void GiveBack(KeptHandle handle) {
    constexpr size_t kMostIdle = 1024;
    const MutexLock lock(mutex_);
    if (idle_.size() < kMostIdle) idle_.push_back(std::move(handle));
  }
  static KeptHandle NewHandle() { return {.curl = CurlHandle(curl_easy_init()), .origins = {}}; }

  static void SetBasics(CURL* handle, const HttpRequest& request) {
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    // A container that is made anew has another address at once; kept connections need no lookup.
    curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                     std::max<long>(1, static_cast<long>(request.timeout.count())));
    curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "gzip");
    SetString(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket);
  }

  static void SetTransfer(CURL* handle, Transfer& transfer) {
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &OnHeader);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &OnProgress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  }

  static void SetMethod(CURL* handle, const HttpRequest& request) {
    if (request.method == "HEAD") {
      curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
      curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  static void SetHeaders(CURL* handle, const HttpRequest& request, Lists& lists) {
    if (!request.user.empty() || !request.password.empty()) {
      curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      curl_easy_setopt(handle, CURLOPT_USERNAME, request.user.c_str());
      curl_easy_setopt(handle, CURLOPT_PASSWORD, request.password.c_str());
    }
    for (const auto& [name, value] : request.headers) {
      Append(lists.headers, fmt::format("{}: {}", name, value));
    }
    Append(lists.headers, "Expect:");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, lists.headers.get());
  }

  Result<HttpResponse> Perform(CURL* handle, const HttpRequest& request) {
    curl_easy_reset(handle);
    Transfer transfer{.request = &request, .response = {}};
    Lists lists;
    char detail[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, user_agent_.c_str());
    SetBasics(handle, request);
    SetTransfer(handle, transfer);
    SetTls(handle, request.tls);
    SetProxy(handle, request.proxy, lists);
    SetServerName(handle, request, lists);
    SetMethod(handle, request);
    SetHeaders(handle, request, lists);

    if (request.probe) curl_easy_setopt(handle, CURLOPT_CERTINFO, 1L);
    if (request.connect_only) curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
    const CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK) return ToError(code, transfer, detail);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_off_t wire_bytes = 0;
    curl_easy_getinfo(handle, CURLINFO_SIZE_DOWNLOAD_T, &wire_bytes);
    transfer.response.status = static_cast<int>(status);
    transfer.response.wire_bytes = static_cast<size_t>(wire_bytes);
    if (request.probe) transfer.response.details = ReadDetails(handle);
    return std::move(transfer.response);
  }

  const std::string user_agent_;
  Mutex mutex_;
  std::vector<KeptHandle> idle_ GUARDED_BY(mutex_);
};

}  // namespace

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::unique_ptr<HttpClient> MakeCurlHttpClient(std::string user_agent) {
  return std::make_unique<CurlHttpClient>(std::move(user_agent));
}

std::string UrlWithoutSecrets(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t authority = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t path = std::min(url.find_first_of("/?#", authority), url.size());
  const size_t at = url.substr(0, path).rfind('@');
  std::string out(url.substr(0, authority));
  const size_t host = at == std::string_view::npos || at < authority ? authority : at + 1;
  const size_t end = std::min(url.find_first_of("?#", path), url.size());
  out += url.substr(host, end - host);
  return out;
}

std::string UrlEncode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace tocsin
