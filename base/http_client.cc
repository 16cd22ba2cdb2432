#include "base/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>

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

void SetTls(CURL* handle, const TlsOptions& tls) {
  SetString(handle, CURLOPT_CAINFO, tls.ca_file);
  SetString(handle, CURLOPT_SSLCERT, tls.certificate_file);
  SetString(handle, CURLOPT_SSLKEY, tls.key_file);
  if (tls.insecure_skip_verify) {
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
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

class CurlHttpClient final : public HttpClient {
 public:
  explicit CurlHttpClient(std::string user_agent) : user_agent_(std::move(user_agent)) {
    static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(initialized);
  }

  Result<HttpResponse> Fetch(const HttpRequest& request) override {
    CurlHandle handle = Borrow();
    if (handle == nullptr) return InternalError("libcurl gives no handle");
    Result<HttpResponse> result = Perform(handle.get(), request);
    GiveBack(std::move(handle));
    return result;
  }

 private:
  // Handles keep their connections open, so they are reused, the last one first.
  CurlHandle Borrow() {
    const MutexLock lock(mutex_);
    if (idle_.empty()) return CurlHandle(curl_easy_init());
    CurlHandle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  void GiveBack(CurlHandle handle) {
    const MutexLock lock(mutex_);
    if (idle_.size() < 32) idle_.push_back(std::move(handle));
  }

  Result<HttpResponse> Perform(CURL* handle, const HttpRequest& request) {
    curl_easy_reset(handle);
    Transfer transfer{.request = &request, .response = {}};
    char detail[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                     std::max<long>(1, static_cast<long>(request.timeout.count())));
    curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(handle, CURLOPT_USERAGENT, user_agent_.c_str());
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &OnHeader);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &OnProgress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
    SetString(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket);
    SetTls(handle, request.tls);
    if (!request.user.empty() || !request.password.empty()) {
      curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      curl_easy_setopt(handle, CURLOPT_USERNAME, request.user.c_str());
      curl_easy_setopt(handle, CURLOPT_PASSWORD, request.password.c_str());
    }
    if (request.method == "HEAD") {
      curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
      curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    curl_slist* list = nullptr;
    for (const auto& [name, value] : request.headers) {
      list = curl_slist_append(list, fmt::format("{}: {}", name, value).c_str());
    }
    list = curl_slist_append(list, "Expect:");
    const std::unique_ptr<curl_slist, ListDeleter> headers(list);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());

    const CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK) return ToError(code, transfer, detail);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_off_t wire_bytes = 0;
    curl_easy_getinfo(handle, CURLINFO_SIZE_DOWNLOAD_T, &wire_bytes);
    transfer.response.status = static_cast<int>(status);
    transfer.response.wire_bytes = static_cast<size_t>(wire_bytes);
    return std::move(transfer.response);
  }

  const std::string user_agent_;
  Mutex mutex_;
  std::vector<CurlHandle> idle_ GUARDED_BY(mutex_);
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
