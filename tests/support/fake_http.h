// HTTP answers from a table.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/http_client.h"

namespace tocsin::testing_support {

// Thread safety: all methods may be called from any thread.
class FakeHttp final : public HttpClient {
 public:
  using Handler = std::function<Result<HttpResponse>(const HttpRequest&)>;

  // The longest registered prefix of the URL answers; without one the connection is refused.
  void Handle(std::string url_prefix, Handler handler) {
    const std::lock_guard lock(mutex_);
    handlers_[std::move(url_prefix)] = std::move(handler);
  }
  void Answer(std::string url_prefix, int status, std::string body,
              std::string content_type = "text/plain; version=0.0.4") {
    Handle(std::move(url_prefix), [=](const HttpRequest&) -> Result<HttpResponse> {
      HttpResponse response;
      response.status = status;
      response.body = body;
      response.headers = {{"content-type", content_type}};
      response.wire_bytes = body.size();
      return response;
    });
  }

  Result<HttpResponse> Fetch(const HttpRequest& request) override {
    Handler handler;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      size_t longest = 0;
      for (const auto& [prefix, candidate] : handlers_) {
        if (request.url.starts_with(prefix) && prefix.size() >= longest) {
          longest = prefix.size();
          handler = candidate;
        }
      }
    }
    if (!handler) {
      return Unavailable(request.method + " " + UrlWithoutSecrets(request.url) +
                         ": connection refused");
    }
    return handler(request);
  }

  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Handler> handlers_;
  std::vector<HttpRequest> requests_;
};

}  // namespace tocsin::testing_support
