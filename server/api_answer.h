// The envelope of Prometheus' HTTP API v1 and what its handlers share: parameters and errors.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"
#include "engine/model/matcher.h"
#include "server/http_message.h"
#include "server/process_view.h"

namespace tocsin::server {

enum class ApiError {
  kBadData,
  kExecution,
  kTimeout,
  kCanceled,
  kUnavailable,
  kInternal,
  kNotFound,
  kNotAcceptable,
};

// {"status":"error","errorType":…,"error":…} with the HTTP status that belongs to the type.
HttpServerResponse Failure(ApiError type, std::string_view message);
// For errors of the engine and the store.
HttpServerResponse Failure(const Error& error);

// What goes beside the data. At most ten of each are shown.
struct Remarks {
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};
// {"status":"success","data":…}; `data` is one JSON value.
HttpServerResponse Success(std::string_view data, const Remarks& remarks = {});
// The same of data that are written here: large ones are not copied.
HttpServerResponse Success(const std::function<void(JsonWriter&)>& write_data,
                           const Remarks& remarks);
HttpServerResponse Success(const std::vector<std::string>& names, const Remarks& remarks = {});
// The same of data that are written while they are sent: `write_data` may give what the writer has
// to the client at any time, and returns false when that one wants no more. It is called when the
// handler has returned, and owns what it needs.
using StreamedData = std::function<bool(JsonWriter&, const BodyWriter&)>;
HttpServerResponse StreamedSuccess(StreamedData write_data, Remarks remarks);

// The messages of all these are Prometheus' own, those of Go's library included.

// Float seconds or RFC 3339: kInvalidArgument `cannot parse "x" to a valid timestamp`.
Result<Timestamp> ParseApiTime(std::string_view text);
// Float seconds or a Prometheus duration: `cannot parse "x" to a valid duration`.
Result<Duration> ParseApiDuration(std::string_view text);
// Go's strconv.Atoi.
Result<int64_t> ParseApiInt(std::string_view text);
// Go's strconv.ParseBool: 1 t true …
Result<bool> ParseApiBool(std::string_view text);

// Parameters by name; the errors are whole: invalid parameter "name": …

// A time that may be absent.
Result<Duration> DurationParameter(const HttpServerRequest& request, std::string_view name);
Result<std::optional<Timestamp>> TimeParameter(const HttpServerRequest& request,
                                               std::string_view name);
// "limit": 0 when absent, which means none.
Result<size_t> LimitParameter(const HttpServerRequest& request);
// "match[]": selectors of which each has a matcher that is not satisfied by a missing label.
Result<std::vector<std::vector<Matcher>>> MatchParameter(const ProcessView& view,
                                                         const HttpServerRequest& request);
bool MatchesAll(std::span<const Matcher> matchers, const LabelSet& labels);
// invalid parameter "name": message
Error BadParameter(std::string_view name, std::string_view message);

// Cuts the list and says so.
template <typename T>
void Truncate(std::vector<T>& list, size_t limit, Remarks& remarks) {
  if (limit == 0 || list.size() <= limit) return;
  list.resize(limit);
  remarks.warnings.emplace_back("results truncated due to limit");
}

std::string_view HealthText(TargetHealth health);
// RFC 3339; the year 1 for nothing, as Go prints the zero time.
std::string ApiTime(std::optional<Timestamp> time);

}  // namespace tocsin::server
