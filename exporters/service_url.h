// The address of a database or broker, as URLs give it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin {

// scheme://[user[:password]@]host[:port][/path][?query]; user, password and path are decoded.
struct ServiceUrl {
  std::string scheme;
  std::string user;
  std::string password;
  std::string host;  // without brackets
  int port = 0;      // 0: none given
  std::string path;  // without the leading slash
};

// Errors never repeat the URL: it may hold a password.
Result<ServiceUrl> ParseServiceUrl(std::string_view url);

}  // namespace tocsin
