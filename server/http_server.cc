#include "server/http_server.h"

#include <civetweb.h>
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/large_stack.h"
#include "server/client_socket.h"

namespace tocsin::server {
namespace {

constexpr size_t kWriteChunk = 1 << 20;
constexpr int kRequestHandled = 1;

struct Address {
  std::string host;  // "" means all
  int port = 0;
};

bool IsIpv4(std::string_view host) {
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(host.begin(), host.end(), '.') == 3;
}

Result<Address> ParseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto wrong = [&](const std::string& why) {
    return InvalidArgument("listen address \"" + text + "\": " + why);
  };
  if (colon == std::string::npos)
    return wrong("no port; write host:port, for example 127.0.0.1:9977");
  Address address{.host = text.substr(0, colon), .port = 0};
  const std::string port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || address.port < 0 ||
      address.port > 65535) {
    return wrong("\"" + port + "\" is no port");
  }
  if (address.host.starts_with('[')) return wrong("IPv6 is not supported; use an IPv4 address");
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (!address.host.empty() && !IsIpv4(address.host)) {
    return wrong("the host must be an IPv4 address, localhost or empty (all addresses)");
  }
  return address;
}

std::string_view StatusText(int status) {
  struct Row {
    int status;
    std::string_view text;
  };
  static constexpr Row kRows[] = {
      {200, "OK"},
      {204, "No Content"},
      {302, "Found"},
      {400, "Bad Request"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {413, "Payload Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Entity"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {503, "Service Unavailable"},
  };
  for (const Row& row : kRows) {
    if (row.status == status) return row.text;
  }
  return "Unknown";
}

// How the client learns where the body ends.
enum class Framing { kLength, kChunks, kConnection };

Framing FramingOf(const HttpServerResponse& response, const mg_request_info& info) {
  if (!response.stream) return Framing::kLength;
  const std::string_view version = info.http_version == nullptr ? "" : info.http_version;
  return version == "1.1" ? Framing::kChunks : Framing::kConnection;
}

std::string HeadOf(const HttpServerResponse& response, Framing framing) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += StatusText(response.status);
  head += "\r\nContent-Type: " + response.content_type +
          "\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n";
  if (framing == Framing::kLength) {
    head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  } else if (framing == Framing::kChunks) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  for (const auto& [name, value] : response.headers) head += name + ": " + value + "\r\n";
  return head + "\r\n";
}

// Returns whether all was taken.
bool WriteAll(mg_connection* connection, std::string_view text) {
  while (!text.empty()) {
    const size_t size = std::min(text.size(), kWriteChunk);
    const int written = mg_write(connection, text.data(), size);
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// A piece of a body in chunks, as RFC 9112 has them.
bool WriteChunk(mg_connection* connection, std::string_view piece) {
  // An empty chunk would be the end.
  if (piece.empty()) return true;
  std::string text = fmt::format("{:x}\r\n", piece.size());
  // The text of a long piece is not copied.
  constexpr size_t kShort = 16 << 10;
  if (piece.size() > kShort) {
    return WriteAll(connection, text) && WriteAll(connection, piece) &&
           WriteAll(connection, "\r\n");
  }
  text += piece;
  text += "\r\n";
  return WriteAll(connection, text);
}

void Stream(mg_connection* connection, const HttpServerResponse& response, Framing framing) {
  const bool chunks = framing == Framing::kChunks;
  bool wanted = true;
  response.stream([&](std::string_view piece) {
    wanted = wanted && (chunks ? WriteChunk(connection, piece) : WriteAll(connection, piece));
    return wanted;
  });
  if (chunks && wanted) WriteAll(connection, "0\r\n\r\n");
}

// Without the body, which ReadBody adds.
HttpServerRequest RequestOf(const mg_request_info& info) {
  HttpServerRequest request;
  request.method = info.request_method;
  if (info.local_uri != nullptr) request.path = info.local_uri;
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.emplace_back(AsciiLower(info.http_headers[i].name), info.http_headers[i].value);
  }
  return request;
}

// Nothing when the body is longer than allowed.
std::optional<std::string> ReadBody(mg_connection* connection, size_t max_bytes) {
  const long long announced = mg_get_request_info(connection)->content_length;
  if (announced > 0 && static_cast<unsigned long long>(announced) > max_bytes) return std::nullopt;
  std::string body;
  std::vector<char> chunk(16 << 10);
  while (true) {
    const int got = mg_read(connection, chunk.data(), chunk.size());
    if (got <= 0) return body;
    body.append(chunk.data(), static_cast<size_t>(got));
    if (body.size() > max_bytes) return std::nullopt;
  }
}

class CivetServer final : public HttpServer {
 public:
  CivetServer(HttpServerOptions options, HttpHandler handler, Logger& log)
      : options_(std::move(options)), handler_(std::move(handler)), log_(log) {}

  ~CivetServer() override {
    stopping_ = true;
    if (context_ != nullptr) mg_stop(context_);
    mg_exit_library();
  }

  Status Listen(const Address& address) {
    // Without TLS: see the header.
    mg_init_library(MG_FEATURES_DEFAULT);
    const std::string ports =
        (address.host.empty() ? "" : address.host + ":") + std::to_string(address.port);
    const std::string threads = std::to_string(options_.threads);
    const std::string request_size = std::to_string(options_.max_header_bytes);
    const std::string timeout = std::to_string(options_.io_timeout.count());
    const char* settings[] = {"listening_ports",
                              ports.c_str(),
                              "num_threads",
                              threads.c_str(),
                              "max_request_size",
                              request_size.c_str(),
                              "request_timeout_ms",
                              timeout.c_str(),
                              "enable_keep_alive",
                              "no",
                              "enable_directory_listing",
                              "no",
                              "enable_auth_domain_check",
                              "no",
                              "tcp_nodelay",
                              "1",
                              "cgi_pattern",
                              "",
                              "access_control_allow_origin",
                              "",
                              nullptr};
    mg_callbacks callbacks{};
    callbacks.begin_request = &OnRequest;
    callbacks.log_message = &OnLogMessage;
    callbacks.log_access = [](const mg_connection*, const char*) { return 1; };
    char text[256] = {};
    mg_init_data init{
        .callbacks = &callbacks, .user_data = this, .configuration_options = settings};
    mg_error_data error{.code = nullptr, .text = text, .text_buffer_size = sizeof(text)};
    context_ = mg_start2(&init, &error);
    if (context_ == nullptr) {
      const std::lock_guard lock(mutex_);
      return Unavailable("cannot listen on " + options_.listen_address + ": " +
                         (last_message_.empty() ? text : last_message_));
    }
    mg_server_port bound{};
    if (mg_get_server_ports(context_, 1, &bound) < 1) {
      return InternalError("cannot learn the port of " + options_.listen_address);
    }
    port_ = bound.port;
    address_ = (address.host.empty() ? "0.0.0.0" : address.host) + ":" + std::to_string(port_);
    return Ok();
  }

  std::string address() const override { return address_; }
  int port() const override { return port_; }

 private:
  static int OnRequest(mg_connection* connection) {
    const mg_request_info* info = mg_get_request_info(connection);
    static_cast<CivetServer*>(info->user_data)->Answer(connection, *info);
    return kRequestHandled;
  }

  static int OnLogMessage(const mg_connection* connection, const char* message) {
    const mg_context* context = mg_get_context(connection);
    auto* self = static_cast<CivetServer*>(mg_get_user_data(context));
    if (self == nullptr) return 1;
    {
      const std::lock_guard lock(self->mutex_);
      self->last_message_ = message;
    }
    self->log_.Debug("http server", {{"msg", message}});
    return 1;
  }

  void Answer(mg_connection* connection, const mg_request_info& info) {
    HttpServerRequest request = RequestOf(info);
    if (request.Header("expect") == "100-continue") {
      WriteAll(connection, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    std::optional<std::string> body = ReadBody(connection, options_.max_body_bytes);
    HttpServerResponse response;
    if (body) {
      request.body = *std::move(body);
      if (request.Header("content-type").starts_with("application/x-www-form-urlencoded")) {
        request.parameters.AddEncoded(request.body);
      }
      if (info.query_string != nullptr) request.parameters.AddEncoded(info.query_string);
      ClientSocket client(info.remote_addr, static_cast<uint16_t>(info.remote_port));
      request.canceled = [this, &client] { return stopping_.load() || client.HungUp(); };
      RunOnLargeStack([&] { response = handler_(request); });
    } else {
      response = PlainText(413, "the request's body is longer than " +
                                    std::to_string(options_.max_body_bytes) + " bytes\n");
    }
    const Framing framing = FramingOf(response, info);
    if (!WriteAll(connection, HeadOf(response, framing)) || request.method == "HEAD") return;
    if (response.stream) {
      Stream(connection, response, framing);
    } else {
      WriteAll(connection, response.body);
    }
  }

  const HttpServerOptions options_;
  const HttpHandler handler_;
  Logger& log_;
  std::atomic<bool> stopping_ = false;
  mg_context* context_ = nullptr;
  int port_ = 0;
  std::string address_;
  std::mutex mutex_;
  std::string last_message_;  // under mutex_
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                      HttpHandler handler, Logger& log) {
  ASSIGN_OR_RETURN(const Address address, ParseAddress(options.listen_address));
  auto server = std::make_unique<CivetServer>(options, std::move(handler), log);
  RETURN_IF_ERROR(server->Listen(address));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace tocsin::server
