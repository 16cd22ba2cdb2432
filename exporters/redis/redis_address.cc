#include "exporters/redis/redis_address.h"

#include <charconv>
#include <utility>

#include "exporters/service_url.h"

namespace tocsin {

std::string RedisAddress::Text() const {
  if (!unix_path.empty()) return unix_path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<RedisAddress> ParseRedisUrl(const Secret& url) {
  ASSIGN_OR_RETURN(ServiceUrl parts, ParseServiceUrl(url.Reveal()));
  RedisAddress address;
  address.user = std::move(parts.user);
  address.password = Secret(std::move(parts.password));
  if (parts.scheme == "unix" || parts.scheme == "redis+socket") {
    address.unix_path = "/" + parts.path;
    return address;
  }
  if (parts.scheme != "redis" && parts.scheme != "rediss") {
    return InvalidArgument("a Redis URL begins with redis://, rediss:// or unix://, not " +
                           parts.scheme + "://");
  }
  address.tls = parts.scheme == "rediss";
  if (!parts.host.empty()) address.host = parts.host;
  if (parts.port != 0) address.port = parts.port;
  if (parts.path.empty()) return address;
  const char* end = parts.path.data() + parts.path.size();
  const auto [last, error] = std::from_chars(parts.path.data(), end, address.database);
  if (error != std::errc() || last != end || address.database < 0) {
    return InvalidArgument("the path of a Redis URL is the number of its database");
  }
  return address;
}

}  // namespace tocsin
