#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "exporters/redis/byte_stream.h"

namespace tocsin {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Session = std::unique_ptr<SSL, FreeSession>;

// The oldest error of this thread's queue, which is emptied.
std::string TakeError() {
  char text[256] = "unknown error";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof(text));
  }
  ERR_clear_error();
  return text;
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

Error Broken(std::string_view what) {
  return InvalidArgument("TLS: " + std::string(what) + ": " + TakeError());
}

Bio Reader(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Whom to trust: texts of certificates, a file of them, or what the system trusts.
Status LoadAuthorities(SSL_CTX* context, const TlsOptions& options) {
  if (options.ca.empty() && options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return Ok();
  }
  if (options.ca.empty()) {
    const bool loaded =
        SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) == 1;
    return loaded ? Ok() : Status(Broken(options.ca_file));
  }
  const Bio reader = Reader(options.ca);
  size_t found = 0;
  while (const Certificate one{PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get());
    ++found;
  }
  if (found == 0) return Broken("ca");
  ERR_clear_error();
  return Ok();
}

// What this side shows, if the server asks.
Status LoadOwn(SSL_CTX* context, const TlsOptions& options) {
  if (!options.certificate_file.empty() &&
      SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return Broken(options.certificate_file);
  }
  if (!options.key_file.empty() &&
      SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Broken(options.key_file);
  }
  if (!options.certificate.empty()) {
    const Bio reader = Reader(options.certificate);
    const Certificate own(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
    if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) return Broken("cert");
  }
  if (!options.key.empty()) {
    const Bio reader = Reader(options.key);
    const std::unique_ptr<EVP_PKEY, FreeKey> key(
        PEM_read_bio_PrivateKey(reader.get(), nullptr, nullptr, nullptr));
    if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1) return Broken("key");
  }
  return Ok();
}

Result<Context> MakeContext(const TlsOptions& options) {
  Context context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return Unavailable("TLS: " + TakeError());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  RETURN_IF_ERROR(LoadAuthorities(context.get(), options));
  RETURN_IF_ERROR(LoadOwn(context.get(), options));
  SSL_CTX_set_verify(context.get(),
                     options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  return context;
}

bool IsIpAddress(const std::string& host) {
  unsigned char buffer[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), buffer) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), buffer) == 1;
}

// Whose certificate is expected.
void Expect(SSL* session, const std::string& host) {
  if (IsIpAddress(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str());
    return;
  }
  SSL_set_tlsext_host_name(session, host.c_str());
  SSL_set1_host(session, host.c_str());
}

class TlsStream final : public ByteStream {
 public:
  TlsStream(std::unique_ptr<ByteStream> socket, Context context, Session session)
      : socket_(std::move(socket)), context_(std::move(context)), session_(std::move(session)) {}

  Status Handshake(const Clock& clock, SteadyTime deadline, const CanceledCheck& canceled) {
    while (true) {
      const int done = SSL_connect(session_.get());
      if (done == 1) return Ok();
      const Result<Wants> wants = NextOf(done);
      if (!wants.ok()) return Refused(wants.error());
      RETURN_IF_ERROR(WaitFor(fd(), *wants, clock, deadline, canceled));
    }
  }

  Result<Progress> Read(std::span<char> into) override {
    return Took(SSL_read(session_.get(), into.data(), static_cast<int>(into.size())));
  }
  Result<Progress> Write(std::string_view bytes) override {
    if (bytes.empty()) return Progress{};
    return Took(SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())));
  }
  int fd() const override { return socket_->fd(); }
  void Shutdown() override { socket_->Shutdown(); }

 private:
  Result<Wants> NextOf(int result) const {
    switch (SSL_get_error(session_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return Wants::kRead;
      case SSL_ERROR_WANT_WRITE:
        return Wants::kWrite;
      case SSL_ERROR_SSL:
        return Unavailable("TLS: " + TakeError());
      default:
        ERR_clear_error();
        return Unavailable("the server closed the connection");
    }
  }

  Result<Progress> Took(int result) const {
    if (result > 0) return Progress{.bytes = static_cast<size_t>(result)};
    ASSIGN_OR_RETURN(const Wants wants, NextOf(result));
    return Progress{.wants = wants};
  }

  // "certificate verify failed" alone does not say why.
  Error Refused(const Error& error) const {
    const long verdict = SSL_get_verify_result(session_.get());
    if (verdict == X509_V_OK) return error;
    const bool name =
        verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH;
    return Unavailable("TLS: the server's certificate is not accepted: " +
                       std::string(X509_verify_cert_error_string(verdict)) +
                       (name ? "; say in tls_config.server_name whose it is"
                             : "; name its authority in tls_config.ca_file"));
  }

  const std::unique_ptr<ByteStream> socket_;  // closed last
  const Context context_;
  const Session session_;
};

}  // namespace

Result<std::unique_ptr<ByteStream>> OpenTls(std::unique_ptr<ByteStream> socket,
                                            const RedisAddress& address, const Clock& clock,
                                            SteadyTime deadline, const CanceledCheck& canceled) {
  const TlsOptions& options = address.tls_options;
  ASSIGN_OR_RETURN(Context context, MakeContext(options));
  Session session(SSL_new(context.get()));
  if (session == nullptr) return Unavailable("TLS: " + TakeError());
  if (SSL_set_fd(session.get(), socket->fd()) != 1) return Unavailable("TLS: " + TakeError());
  Expect(session.get(), options.server_name.empty() ? address.host : options.server_name);
  auto stream =
      std::make_unique<TlsStream>(std::move(socket), std::move(context), std::move(session));
  RETURN_IF_ERROR(stream->Handshake(clock, deadline, canceled));
  return std::unique_ptr<ByteStream>(std::move(stream));
}

}  // namespace tocsin
