#include "exporters/probe/probe.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/regex.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

constexpr size_t kMaxBody = 4 << 20;

struct Outcome {
  bool success = false;
  std::string reason;  // why not
  std::optional<HttpResponse> response;
  bool regex_failed = false;
  // Of TLS: whether the certificate may be trusted; nothing when no handshake got so far.
  std::optional<bool> trusted;
};

bool HasScheme(const std::string& target, std::string_view scheme) {
  return target.starts_with(scheme);
}

HttpRequest RequestFor(const ProbeConfig& config, CollectContext& context,
                       const std::function<bool()>& canceled) {
  HttpRequest request;
  const bool tcp = HasScheme(config.target, "tcp://");
  const bool tls = HasScheme(config.target, "tls://");
  request.url = config.target;
  if (tcp || tls) {
    request.url = (tls ? "https://" : "http://") + config.target.substr(6);
    request.connect_only = true;
  }
  request.method = config.method;
  request.user = config.http.basic_auth_user;
  request.password = config.http.basic_auth_password.Reveal();
  if (!config.http.authorization_credentials.empty()) {
    request.headers.emplace_back(
        "Authorization",
        config.http.authorization_type + " " + config.http.authorization_credentials.Reveal());
  }
  for (const auto& [name, value] : config.http.headers) {
    request.headers.emplace_back(name, value.Reveal());
  }
  request.tls = config.http.tls;
  request.follow_redirects = config.http.follow_redirects;
  request.max_body_bytes = kMaxBody;
  request.probe = true;
  request.canceled = canceled;
  request.timeout =
      std::max(std::chrono::duration_cast<Duration>(context.deadline - context.clock.Steady()),
               Duration(std::chrono::milliseconds(1)));
  return request;
}

bool StatusIsValid(const ProbeConfig& config, int status) {
  if (config.valid_status_codes.empty()) return status >= 200 && status < 300;
  return std::ranges::find(config.valid_status_codes, status) != config.valid_status_codes.end();
}

void Judge(const ProbeConfig& config, Outcome& outcome) {
  const HttpResponse& response = *outcome.response;
  if (!StatusIsValid(config, response.status)) {
    outcome.reason = "status " + std::to_string(response.status);
    return;
  }
  if (!config.body_regex.empty()) {
    const Result<Regex> wanted = Regex::Compile(config.body_regex);
    if (!wanted.ok()) {
      outcome.reason = wanted.error().message;
      return;
    }
    if (!wanted->Matches(response.body)) {
      outcome.regex_failed = true;
      outcome.reason = "the body does not match body_regex";
      return;
    }
  }
  outcome.success = true;
}

// A certificate that is not trusted ends the handshake before anything is known of it: one more
// look without a check tells when it expires.
void LookAtCertificate(const HttpRequest& request, HttpClient& http, Outcome& outcome) {
  HttpRequest unchecked = request;
  unchecked.connect_only = true;
  unchecked.tls.insecure_skip_verify = true;
  Result<HttpResponse> seen = http.Fetch(unchecked);
  if (!seen.ok() || seen->details.certificate_expiry_s.empty()) return;
  outcome.trusted = false;
  outcome.response = *std::move(seen);
}

Outcome Look(const ProbeConfig& config, HttpClient& http, CollectContext& context,
             const std::function<bool()>& canceled) {
  const HttpRequest request = RequestFor(config, context, canceled);
  Outcome outcome;
  Result<HttpResponse> response = http.Fetch(request);
  if (!response.ok()) {
    outcome.reason = response.error().message;
    const bool refused = response.error().code == ErrorCode::kUnavailable;
    if (refused && request.url.starts_with("https://")) LookAtCertificate(request, http, outcome);
    return outcome;
  }
  outcome.response = *std::move(response);
  if (!outcome.response->details.certificate_expiry_s.empty()) {
    outcome.trusted = !request.tls.insecure_skip_verify;
  }
  if (request.connect_only) {
    outcome.success = true;
  } else {
    Judge(config, outcome);
  }
  return outcome;
}

void WriteHttp(const Outcome& outcome, MetricSink& sink) {
  const HttpResponse& response = *outcome.response;
  const HttpDetails& details = response.details;
  const double tls_end = std::max(details.tls_done_s, details.connected_s);
  const double answered = std::max(details.first_byte_s, tls_end);
  const std::pair<std::string_view, double> phases[] = {
      {"resolve", details.resolved_s},
      {"connect", std::max(0.0, details.connected_s - details.resolved_s)},
      {"tls", tls_end - details.connected_s},
      {"processing", answered - tls_end},
      {"transfer", std::max(0.0, details.total_s - answered)}};
  const double length = ReadNumber(response.Header("content-length")).value_or(-1);
  sink.Write(ProbeFamily("probe_failed_due_to_regex"), outcome.regex_failed ? 1 : 0);
  sink.Write(ProbeFamily("probe_http_content_length"), length);
  for (const auto& [phase, seconds] : phases) {
    sink.Write(ProbeFamily("probe_http_duration_seconds"), {{"phase", phase}}, seconds);
  }
  sink.Write(ProbeFamily("probe_http_redirects"), details.redirects);
  sink.Write(ProbeFamily("probe_http_ssl"), details.certificate_expiry_s.empty() ? 0 : 1);
  sink.Write(ProbeFamily("probe_http_status_code"), response.status);
  sink.Write(ProbeFamily("probe_http_uncompressed_body_length"),
             static_cast<double>(response.body.size()));
  sink.Write(ProbeFamily("probe_http_version"), details.http_version);
}

}  // namespace

void Probe(const ProbeConfig& config, HttpClient& http, CollectContext& context,
           const std::function<bool()>& canceled, MetricSink& sink) {
  const SteadyTime start = context.clock.Steady();
  const Outcome outcome = Look(config, http, context, canceled);
  const std::chrono::duration<double> took = context.clock.Steady() - start;
  const std::string shown = UrlWithoutSecrets(config.target);
  context.Step(config.method + " " + shown, start, outcome.response ? 1 : 0, outcome.reason);
  if (!outcome.success) context.problems.push_back(shown + ": " + outcome.reason);
  const bool http_probe = HasScheme(config.target, "http");
  if (outcome.response) {
    const HttpDetails& details = outcome.response->details;
    sink.Write(ProbeFamily("probe_dns_lookup_time_seconds"), details.resolved_s);
    if (http_probe && outcome.response->status != 0) WriteHttp(outcome, sink);
    if (!details.ip.empty()) {
      sink.Write(ProbeFamily("probe_ip_protocol"),
                 details.ip.find(':') == std::string::npos ? 4 : 6);
    }
    if (outcome.trusted) {
      const std::vector<double>& expiry = details.certificate_expiry_s;
      sink.Write(ProbeFamily("probe_ssl_certificate_valid"), *outcome.trusted ? 1 : 0);
      sink.Write(ProbeFamily("probe_ssl_earliest_cert_expiry"), *std::ranges::min_element(expiry));
    }
  } else if (http_probe) {
    sink.Write(ProbeFamily("probe_http_status_code"), 0);
  }
  sink.Write(ProbeFamily("probe_duration_seconds"), took.count());
  sink.Write(ProbeFamily("probe_success"), outcome.success ? 1 : 0);
}

bool MayProbe(const std::string& target, const std::vector<std::string>& allowed) {
  // A target with credentials or control characters is nobody's pattern.
  const bool plain = std::ranges::none_of(
      target, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '@' || c == '\\'; });
  return plain && std::ranges::any_of(allowed, [&](const std::string& pattern) {
           return ::fnmatch(pattern.c_str(), target.c_str(), 0) == 0;
         });
}

}  // namespace tocsin
