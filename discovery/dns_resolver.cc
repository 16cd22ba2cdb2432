#include "discovery/dns_resolver.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tocsin {
namespace {

constexpr size_t kMaxAnswerBytes = 64 << 10;
constexpr int kMaxRecords = 1000;

struct TypeRow {
  DnsRecordType type;
  std::string_view name;
  ns_type code;
  size_t min_bytes;  // of the record's data
  size_t name_at;    // where a host name begins in it
  bool address;      // it is an address instead
};
constexpr TypeRow kTypes[] = {
    {DnsRecordType::kA, "A", ns_t_a, 4, 0, true},
    {DnsRecordType::kAaaa, "AAAA", ns_t_aaaa, 16, 0, true},
    {DnsRecordType::kSrv, "SRV", ns_t_srv, 7, 6, false},
    {DnsRecordType::kMx, "MX", ns_t_mx, 3, 2, false},
    {DnsRecordType::kNs, "NS", ns_t_ns, 1, 0, false},
};

const TypeRow& RowOf(DnsRecordType type) {
  return *std::ranges::find(kTypes, type, &TypeRow::type);
}

// The resolver's state, which is not shared between threads.
class ResolverState {
 public:
  explicit ResolverState(const SystemResolverOptions& options) {
    ok_ = res_ninit(&state_) == 0;
    if (!ok_) return;
    state_.retrans = options.timeout_seconds;
    state_.retry = 2;
    if (options.server.empty()) return;
    state_.nscount = 1;
    state_.nsaddr_list[0].sin_family = AF_INET;
    state_.nsaddr_list[0].sin_port = htons(static_cast<uint16_t>(options.port));
    ok_ = inet_pton(AF_INET, options.server.c_str(), &state_.nsaddr_list[0].sin_addr) == 1;
  }
  ~ResolverState() { res_nclose(&state_); }
  ResolverState(const ResolverState&) = delete;
  ResolverState& operator=(const ResolverState&) = delete;

  bool ok() const { return ok_; }
  res_state get() { return &state_; }

 private:
  struct __res_state state_ {};
  bool ok_ = false;
};

std::optional<DnsRecord> ReadRecord(const ns_msg& message, const ns_rr& record,
                                    const TypeRow& row) {
  if (ns_rr_type(record) != row.code || ns_rr_rdlen(record) < row.min_bytes) return std::nullopt;
  const u_char* bytes = ns_rr_rdata(record);
  DnsRecord found;
  if (row.address) {
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(row.type == DnsRecordType::kA ? AF_INET : AF_INET6, bytes, text, sizeof(text));
    found.target = text;
    return found;
  }
  if (row.type == DnsRecordType::kSrv) found.port = ns_get16(bytes + 4);
  char name[NS_MAXDNAME] = "";
  if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), bytes + row.name_at, name,
                         sizeof(name)) < 0) {
    return std::nullopt;
  }
  found.target = name;
  while (found.target.ends_with('.')) found.target.pop_back();
  return found;
}

class SystemResolver final : public DnsResolver {
 public:
  explicit SystemResolver(SystemResolverOptions options) : options_(std::move(options)) {}

  Result<std::vector<DnsRecord>> Lookup(const std::string& name, DnsRecordType type) override {
    const TypeRow& row = RowOf(type);
    ResolverState state(options_);
    if (!state.ok()) return Unavailable("the resolver cannot be set up");
    std::vector<u_char> answer(kMaxAnswerBytes);
    const int length = res_nsearch(state.get(), name.c_str(), ns_c_in, row.code, answer.data(),
                                   static_cast<int>(answer.size()));
    if (length < 0) {
      const int reason = state.get()->res_h_errno;
      if (reason == HOST_NOT_FOUND || reason == NO_DATA) return std::vector<DnsRecord>();
      return Unavailable(fmt::format(
          "lookup of {} records of \"{}\": {}", row.name, name,
          reason == TRY_AGAIN ? "no answer from a name server" : "the name servers fail"));
    }
    ns_msg message{};
    const int bounded = std::min(length, static_cast<int>(answer.size()));
    if (ns_initparse(answer.data(), bounded, &message) != 0) return Broken(row, name);
    std::vector<DnsRecord> records;
    const int count = std::min<int>(ns_msg_count(message, ns_s_an), kMaxRecords);
    for (int i = 0; i < count; ++i) {
      ns_rr record{};
      if (ns_parserr(&message, ns_s_an, i, &record) != 0) return Broken(row, name);
      if (std::optional<DnsRecord> found = ReadRecord(message, record, row)) {
        records.push_back(*std::move(found));
      }
    }
    return records;
  }

 private:
  static Error Broken(const TypeRow& row, const std::string& name) {
    return Unavailable(
        fmt::format("lookup of {} records of \"{}\": the answer is broken", row.name, name));
  }

  const SystemResolverOptions options_;
};

}  // namespace

std::unique_ptr<DnsResolver> MakeSystemResolver(SystemResolverOptions options) {
  return std::make_unique<SystemResolver>(std::move(options));
}

std::string_view DnsRecordTypeName(DnsRecordType type) { return RowOf(type).name; }

}  // namespace tocsin
