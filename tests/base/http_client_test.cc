// The libcurl client against a server of a few lines on a kernel-chosen loopback port.
#include "base/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "base/thread_annotations.h"

namespace tocsin {
namespace {

// Answers every connection with the same bytes, or never when they are empty.
class OneAnswerServer {
 public:
  explicit OneAnswerServer(std::string answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { Run(); });
  }
  ~OneAnswerServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/metrics"; }
  std::string last_request() {
    const MutexLock lock(mutex_);
    return request_;
  }

 private:
  void Run() {
    std::vector<int> held;
    for (int peer = 0; (peer = ::accept(listener_, nullptr, nullptr)) >= 0;) {
      if (answer_.empty()) {
        held.push_back(peer);
        continue;
      }
      char buffer[4096];
      std::string request;
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::read(peer, buffer, sizeof buffer);
        if (got <= 0) break;
        request.append(buffer, static_cast<size_t>(got));
      }
      {
        const MutexLock lock(mutex_);
        request_ = request;
      }
      for (size_t sent = 0; sent < answer_.size();) {
        const ssize_t wrote =
            ::send(peer, answer_.data() + sent, answer_.size() - sent, MSG_NOSIGNAL);
        if (wrote <= 0) break;
        sent += static_cast<size_t>(wrote);
      }
      ::close(peer);
    }
    for (const int peer : held) ::close(peer);
  }

  const std::string answer_;
  int listener_;
  int port_ = 0;
  Mutex mutex_;
  std::string request_ GUARDED_BY(mutex_);
  std::jthread thread_;
};

std::string Answer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Two:  a b \r\nConnection: close\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(CurlHttpClient, ReadsStatusHeadersAndBody) {
  OneAnswerServer server(Answer("up 1\n"));
  const auto client = MakeCurlHttpClient("tocsin/test");
  const auto response = client->Fetch({.url = server.url(), .headers = {{"X-A", "b"}}});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "up 1\n");
  EXPECT_EQ(response->Header("x-two"), "a b");
  EXPECT_EQ(response->Header("nope"), "");
  EXPECT_NE(server.last_request().find("User-Agent: tocsin/test\r\n"), std::string::npos);
  EXPECT_NE(server.last_request().find("Accept-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(server.last_request().find("X-A: b\r\n"), std::string::npos);
}

TEST(CurlHttpClient, CutsAnEndlessBody) {
  OneAnswerServer server(Answer(std::string(1 << 20, 'x')));
  const auto response =
      MakeCurlHttpClient("t")->Fetch({.url = server.url(), .max_body_bytes = 1000});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(response.error().message, "GET " + server.url() + ": body is larger than 1000 bytes");
}

TEST(CurlHttpClient, GivesUpOnAPeerThatNeverAnswers) {
  OneAnswerServer server("");
  const auto response =
      MakeCurlHttpClient("t")->Fetch({.url = server.url(), .timeout = Duration(50)});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(response.error().message, "GET " + server.url() + ": no answer within 50ms");
}

TEST(CurlHttpClient, StopsWhenTheCallerGivesUp) {
  OneAnswerServer server("");
  const auto response = MakeCurlHttpClient("t")->Fetch(
      {.url = server.url(), .timeout = std::chrono::seconds(60), .canceled = [] { return true; }});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kCanceled);
}

TEST(CurlHttpClient, RefusesOtherSchemes) {
  for (const char* url : {"file:///etc/passwd", "gopher://127.0.0.1/", "not a url"}) {
    const auto response = MakeCurlHttpClient("t")->Fetch({.url = url});
    ASSERT_FALSE(response.ok()) << url;
  }
}

TEST(CurlHttpClient, SaysThatTheConnectionWasRefusedWithoutThePassword) {
  const auto response =
      MakeCurlHttpClient("t")->Fetch({.url = "http://bob:hunter2@127.0.0.1:1/x?token=s3cret"});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(response.error().message.find("hunter2"), std::string::npos);
  EXPECT_EQ(response.error().message.find("s3cret"), std::string::npos);
  EXPECT_EQ(response.error().message.rfind("GET http://127.0.0.1:1/x: ", 0), 0u)
      << response.error().message;
}

// The server closes each connection after its answer without having said so.
TEST(CurlHttpClient, CountsConnectionsThatWereMadeAnew) {
  OneAnswerServer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  OneAnswerServer honest("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  const auto client = MakeCurlHttpClient("t");
  for (int i = 0; i < 3; ++i) {
    const auto response = client->Fetch({.url = server.url(), .follow_redirects = false});
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->reconnects, i == 0 ? 0 : 1);
    const auto other = client->Fetch({.url = honest.url(), .follow_redirects = false});
    ASSERT_TRUE(other.ok()) << other.error().message;
    EXPECT_EQ(other->reconnects, 0);
  }
}

TEST(UrlWithoutSecrets, DropsUserInfoAndQuery) {
  EXPECT_EQ(UrlWithoutSecrets("http://u:p@h:1/a?b=c#d"), "http://h:1/a");
  EXPECT_EQ(UrlWithoutSecrets("http://h/a@b"), "http://h/a@b");
  EXPECT_EQ(UrlWithoutSecrets("redis://:p%40@h:1"), "redis://h:1");
  EXPECT_EQ(UrlWithoutSecrets("http://h?x=http://u:p@y/"), "http://h");
  EXPECT_EQ(UrlWithoutSecrets("plain"), "plain");
}

TEST(UrlEncode, KeepsOnlyUnreserved) { EXPECT_EQ(UrlEncode("a b/~\xC3\xBC"), "a%20b%2F~%C3%BC"); }

}  // namespace
}  // namespace tocsin
