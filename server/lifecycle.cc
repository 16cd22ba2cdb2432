#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

HttpServerResponse LifecycleIsOff() { return PlainText(403, "Lifecycle API is not enabled.\n"); }

}  // namespace

HttpServerResponse HandleHealthy(const ProcessView& /*view*/,
                                 const HttpServerRequest& /*request*/) {
  return PlainText(200, "tocsin is healthy.\n");
}

HttpServerResponse HandleReady(const ProcessView& view, const HttpServerRequest& /*request*/) {
  if (!view.ready()) return PlainText(503, "tocsin is not ready yet.\n");
  return PlainText(200, "tocsin is ready.\n");
}

HttpServerResponse HandleReload(const ProcessView& view, const HttpServerRequest& /*request*/) {
  if (!view.lifecycle) return LifecycleIsOff();
  const Result<std::string> changes = view.reload();
  if (!changes.ok()) {
    return PlainText(500, "failed to reload config: " + changes.error().message + "\n");
  }
  return PlainText(200, *changes + "\n");
}

HttpServerResponse HandleQuit(const ProcessView& view, const HttpServerRequest& /*request*/) {
  if (!view.lifecycle) return LifecycleIsOff();
  view.quit();
  return PlainText(200, "Requesting termination... Goodbye!\n");
}

}  // namespace tocsin::server
