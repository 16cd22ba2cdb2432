#include "discovery/dns_resolver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>

namespace tocsin {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::string_literals;  // NOLINT: literals only

// A name server on 127.0.0.1 that gives each question for a known name the record data of that
// name, as one record each, and says NXDOMAIN to the others (RFC 1035, section 4).
class NameServer {
 public:
  struct Zone {
    uint16_t type = 1;
    std::vector<std::string> data;
    uint8_t code = 0;  // 2: SERVFAIL
  };
  explicit NameServer(std::map<std::string, Zone> zones) : zones_(std::move(zones)) {
    socket_ = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), length), 0);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~NameServer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  int port() const { return port_; }

 private:
  static std::string Number(uint16_t number) {
    return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  }
  std::string Answer(const std::string& query) const {
    std::string name;
    size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      const auto length = static_cast<size_t>(query[at]);
      name += query.substr(at + 1, length) + ".";
      at += length + 1;
    }
    const std::string question = query.substr(12, at + 5 - 12);
    const auto found = zones_.find(name);
    const uint8_t code = found == zones_.end() ? 3 : found->second.code;
    const std::vector<std::string> none;
    const std::vector<std::string>& data = found == zones_.end() ? none : found->second.data;
    std::string answer = query.substr(0, 2) + "\x81"s + static_cast<char>(0x80 | code) + Number(1) +
                         Number(static_cast<uint16_t>(data.size())) + Number(0) + Number(0) +
                         question;
    for (const std::string& bytes : data) {
      answer += "\xc0\x0c"s + Number(found->second.type) + Number(1) + Number(0) + Number(60) +
                Number(static_cast<uint16_t>(bytes.size())) + bytes;
    }
    return answer;
  }
  void Serve() {
    char buffer[1500];
    for (;;) {
      sockaddr_in peer{};
      socklen_t length = sizeof(peer);
      const ssize_t got = ::recvfrom(socket_, buffer, sizeof(buffer), 0,
                                     reinterpret_cast<sockaddr*>(&peer), &length);
      if (got < 12) return;
      const std::string answer = Answer({buffer, static_cast<size_t>(got)});
      ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer),
               length);
    }
  }

  const std::map<std::string, Zone> zones_;
  int socket_ = -1;
  int port_ = 0;
  std::thread thread_;
};

Result<std::vector<DnsRecord>> Lookup(const NameServer& server, const std::string& name,
                                      DnsRecordType type) {
  const auto resolver =
      MakeSystemResolver({.server = "127.0.0.1", .port = server.port(), .timeout_seconds = 1});
  return resolver->Lookup(name, type);
}

TEST(SystemResolver, ReadsTheKindsOfRecords) {
  const std::string host = "\x02"s + "am" + "\x07"s + "example" + "\0"s;
  const NameServer server({
      {"a.test.", {1, {"\x0a\0\0\x07"s, "\x0a\0\0\x08"s}}},
      {"six.test.", {28, {std::string(15, '\0') + "\x01"}}},
      {"_am._tcp.test.", {33, {"\0\x01\0\x02\x23\x85"s + host}}},
      {"mx.test.", {15, {"\0\x0a"s + host}}},
      {"ns.test.", {2, {host}}},
  });
  struct Case {
    std::string name;
    DnsRecordType type;
    std::string target;
    int port;
    size_t count;
  };
  const Case cases[] = {
      {"a.test.", DnsRecordType::kA, "10.0.0.7", 0, 2},
      {"six.test.", DnsRecordType::kAaaa, "::1", 0, 1},
      {"_am._tcp.test.", DnsRecordType::kSrv, "am.example", 9093, 1},
      {"mx.test.", DnsRecordType::kMx, "am.example", 0, 1},
      {"ns.test.", DnsRecordType::kNs, "am.example", 0, 1},
  };
  for (const Case& each : cases) {
    const auto records = Lookup(server, each.name, each.type);
    ASSERT_TRUE(records.ok()) << records.error().message;
    ASSERT_THAT(*records, SizeIs(each.count)) << each.name;
    EXPECT_EQ(records->at(0).target, each.target);
    EXPECT_EQ(records->at(0).port, each.port);
  }
}

TEST(SystemResolver, AnUnknownNameHasNoRecords) {
  const NameServer server({{"known.test.", NameServer::Zone{}}});
  for (const std::string name : {"unknown.test.", "known.test."}) {
    const auto records = Lookup(server, name, DnsRecordType::kA);
    ASSERT_TRUE(records.ok()) << records.error().message;
    EXPECT_THAT(*records, IsEmpty());
  }
}

TEST(SystemResolver, AServerThatFailsAndABrokenAnswerAreErrors) {
  const NameServer server(
      {{"fails.test.", {1, {}, 2}}, {"short.test.", {33, {"\0\x01\0\x02\x23\x85\x3f"s}}}});
  const auto fails = Lookup(server, "fails.test.", DnsRecordType::kA);
  ASSERT_FALSE(fails.ok());
  EXPECT_THAT(fails.error().message, HasSubstr("lookup of A records of \"fails.test.\""));
  const auto broken = Lookup(server, "short.test.", DnsRecordType::kSrv);
  EXPECT_TRUE(!broken.ok() || broken->empty());
}

TEST(SystemResolver, SilenceIsAnError) {
  const int silent = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(::bind(silent, reinterpret_cast<sockaddr*>(&address), length), 0);
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &length);
  const auto resolver = MakeSystemResolver(
      {.server = "127.0.0.1", .port = ntohs(address.sin_port), .timeout_seconds = 1});
  const auto records = resolver->Lookup("a.test.", DnsRecordType::kA);
  ::close(silent);
  ASSERT_FALSE(records.ok());
  EXPECT_THAT(records.error().message, HasSubstr("no answer"));
}

}  // namespace
}  // namespace tocsin
