// Where a Redis is and how to be let in.
#pragma once

#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "config/secret.h"

namespace tocsin {

struct RedisAddress {
  std::string host = "localhost";
  int port = 6379;
  std::string unix_path;  // instead of host and port
  std::string user;
  Secret password;
  int database = 0;
  bool tls = false;
  TlsOptions tls_options;

  // "localhost:6379", "/run/redis.sock"
  std::string Text() const;
};

// redis://[user:password@]host:port[/db], rediss:// over TLS, unix:///path, redis+socket:///path.
// Errors hold no secrets.
Result<RedisAddress> ParseRedisUrl(const Secret& url);

}  // namespace tocsin
