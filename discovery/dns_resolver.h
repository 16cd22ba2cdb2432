// Asking the domain name system, as an argument: the system's resolver, or a table in tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace tocsin {

struct DnsRecord {
  std::string target;  // an address (A, AAAA), or a host name without the dot at its end
  int port = 0;        // SRV only
};

// Thread safety: Lookup may be called from any thread; it waits for the answer.
class DnsResolver {
 public:
  virtual ~DnsResolver() = default;
  // In the order of the answer. A name without such records has none; that nobody answers, or that
  // the server fails, is kUnavailable.
  virtual Result<std::vector<DnsRecord>> Lookup(const std::string& name, DnsRecordType type) = 0;
};

struct SystemResolverOptions {
  // Asked instead of those of /etc/resolv.conf: an IPv4 address and a port.
  std::string server;
  int port = 53;
  int timeout_seconds = 2;  // of one try; there are two for each server
};

// /etc/resolv.conf as it is at each lookup, search list included, as Prometheus does; /etc/hosts is
// not asked. Long answers come over TCP. At most 1000 records.
std::unique_ptr<DnsResolver> MakeSystemResolver(SystemResolverOptions options = {});

// "SRV" …
std::string_view DnsRecordTypeName(DnsRecordType type);

}  // namespace tocsin
