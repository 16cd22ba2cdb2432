#include "engine/storage/remote_write.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

// Only version 1.0 of the protocol is spoken. Without a type it is taken for that.
bool IsVersionOne(std::string_view content_type) {
  const std::string type = AsciiLower(content_type);
  if (type.empty()) return true;
  if (!type.starts_with("application/x-protobuf")) return false;
  return type.find("proto=") == std::string::npos ||
         type.find("proto=prometheus.writerequest") != std::string::npos;
}

}  // namespace

HttpServerResponse HandleRemoteWrite(const ProcessView& view, const HttpServerRequest& request) {
  if (view.remote_write == nullptr) {
    return PlainText(404,
                     "remote write receiver needs to be enabled with "
                     "--web.enable-remote-write-receiver\n");
  }
  if (!IsVersionOne(request.Header("content-type"))) {
    return PlainText(415,
                     "only application/x-protobuf with prometheus.WriteRequest is supported\n");
  }
  const std::string encoding = AsciiLower(request.Header("content-encoding"));
  if (!encoding.empty() && encoding != "snappy") {
    return PlainText(415, "only the encoding snappy is supported\n");
  }
  const Result<RemoteWriteReport> report = ReceiveRemoteWrite(request.body, *view.remote_write);
  if (!report.ok()) {
    // The sender tries again after a 5xx, and must not when its request is at fault.
    const bool broken = report.error().code == ErrorCode::kInvalidArgument ||
                        report.error().code == ErrorCode::kResourceExhausted;
    return PlainText(broken ? 400 : 500, report.error().message + "\n");
  }
  if (report->refused > 0) return PlainText(400, "samples refused: " + report->refusal + "\n");
  return PlainText(204, "");
}

}  // namespace tocsin::server
