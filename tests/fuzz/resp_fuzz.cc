// Redis' protocol, from a server that sends anything, in pieces of any size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "exporters/redis/redis_details.h"
#include "exporters/redis/redis_info.h"
#include "exporters/redis/resp_reader.h"

namespace {

using tocsin::RedisReply;

// Takes what the collector would take, and forgets it.
class NoSink final : public tocsin::MetricSink {
 public:
  void Write(const tocsin::FamilySpec&, std::span<const LabelView>, double) override {}
  void WriteSuffixed(const tocsin::FamilySpec&, std::string_view, std::span<const LabelView>,
                     double) override {}
};

void Use(const RedisReply& reply) {
  NoSink sink;
  const tocsin::RedisInfo info(reply.text);
  tocsin::WriteRedisInfo(info, {.databases = 16}, sink);
  tocsin::WriteRedisBufferLimits(reply, sink);
  tocsin::WriteRedisConfigValues(reply, sink);
  tocsin::WriteRedisSlowLog(reply, reply, sink);
  tocsin::WriteRedisLatencySpikes(reply, sink);
  tocsin::WriteRedisLatencyHistograms(reply, info, {"get", ""}, sink);
  tocsin::WriteRedisClients(reply.text, {}, 10, sink);
  tocsin::WriteRedisScript("fuzz.lua", reply, sink);
  tocsin::WriteRedisSentinelMaster(reply, reply, reply, reply, sink);
}

}  // namespace

// The first byte says how long the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = 1 + data[0];
  tocsin::RespReader reader({.max_bytes = 1 << 20, .max_elements = 10'000});
  while (!bytes.empty()) {
    const size_t taken = std::min(piece, bytes.size());
    if (!reader.Feed(bytes.substr(0, taken)).ok()) return 0;
    bytes.remove_prefix(taken);
    while (true) {
      const auto reply = reader.Next();
      if (!reply.ok()) return 0;
      if (!*reply) break;
      Use(**reply);
    }
  }
  return 0;
}
