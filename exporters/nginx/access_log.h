// Reads lines of an access log of nginx: the format "combined", any log_format string, or JSON
// (log_format … escape=json '{"status":"$status",…}') whose keys are named like nginx's variables.
//
// Source of the format: nginx.org/en/docs/http/ngx_http_log_module.html. Values cannot hold the
// quotes and line ends around them: nginx escapes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tocsin {

// What one request was like. Views into the line, or into the reader's own text.
struct LoggedRequest {
  int status = 0;
  std::string_view method;           // "": not logged, or no word
  std::string_view host;             // "": not logged
  std::optional<double> seconds;     // $request_time
  std::optional<double> upstream_s;  // $upstream_response_time, of all upstreams together
  std::optional<double> bytes;       // $body_bytes_sent or $bytes_sent
};

// Not thread-safe: keeps the text of the line at hand.
class AccessLogReader {
 public:
  // "combined", "json" or a log_format string. Without $status nothing can be counted: an error.
  static Result<AccessLogReader> Make(std::string_view format);
  // Nothing when the line does not fit the format.
  std::optional<LoggedRequest> Read(std::string_view line);

 private:
  enum class Field {
    kOther,
    kStatus,
    kRequest,
    kMethod,
    kHost,
    kSeconds,
    kUpstream,
    kBytes,
  };
  // A variable, and the text that ends it.
  struct Part {
    Field field = Field::kOther;
    std::string until;
  };
  static Field FieldNamed(std::string_view variable);
  static bool Store(Field field, std::string_view text, LoggedRequest& request);
  std::optional<LoggedRequest> ReadJson(std::string_view line);

  bool json_ = false;
  std::string start_;
  std::vector<Part> parts_;
  std::string method_;  // of the JSON line at hand
  std::string host_;
};

}  // namespace tocsin
