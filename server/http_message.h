// HTTP requests and answers as the server's handlers see them: no sockets, no library types.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tocsin::server {

// The parameters of a form body and of a URL's query, in this order, percent-decoded: like Go's
// Request.Form, where the body goes before the URL.
class Parameters {
 public:
  // "a=1&b=x+y"; a part without "=" has the value "".
  void AddEncoded(std::string_view text);
  void Add(std::string name, std::string value) {
    pairs_.emplace_back(std::move(name), std::move(value));
  }

  // The first of that name, or "" when there is none.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::vector<std::string> All(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct HttpServerRequest {
  std::string method = "GET";
  std::string path = "/";  // percent-decoded, without the external URL's prefix
  Parameters parameters;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  // True when the answer is not wanted any more (the server stops). May be empty.
  std::function<bool()> canceled;
  // What the router found for the {…} parts of the route, in order.
  std::vector<std::string> captures;

  // The first header of that name (given in lower case), or "".
  std::string_view Header(std::string_view name) const;
};

// Takes a piece of a body; false when the client is gone and no more is wanted.
using BodyWriter = std::function<bool(std::string_view)>;

struct HttpServerResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // Instead of `body`, for pages that nobody needs to hold as a whole. Called once, after the
  // handler has returned, on the same thread.
  std::function<void(const BodyWriter&)> stream;
};

using HttpHandler = std::function<HttpServerResponse(const HttpServerRequest&)>;

// The whole body, streamed or not.
std::string BodyOf(const HttpServerResponse& response);
HttpServerResponse PlainText(int status, std::string text);
// "%41b+c" -> "Ab c"; a broken escape stays as it is.
std::string UrlDecode(std::string_view text);
std::string AsciiLower(std::string_view text);

}  // namespace tocsin::server
