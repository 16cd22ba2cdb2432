// A domain name system from a table.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "discovery/dns_resolver.h"

namespace tocsin::testing_support {

// Thread safety: all methods may be called from any thread.
class FakeDns final : public DnsResolver {
 public:
  void Set(const std::string& name, DnsRecordType type, std::vector<DnsRecord> records) {
    const std::lock_guard lock(mutex_);
    records_[{name, type}] = std::move(records);
  }
  // While it is down nobody answers.
  void SetDown(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
  }

  Result<std::vector<DnsRecord>> Lookup(const std::string& name, DnsRecordType type) override {
    const std::lock_guard lock(mutex_);
    if (down_) return Unavailable("lookup of \"" + name + "\": no answer from a name server");
    const auto found = records_.find({name, type});
    return found == records_.end() ? std::vector<DnsRecord>() : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, DnsRecordType>, std::vector<DnsRecord>> records_;
  bool down_ = false;
};

}  // namespace tocsin::testing_support
