// Whatever lies in a broker is a message, an event or an error; events change counters and never
// more series than the limit.
#include "exporters/celery/celery_events.h"
#include "exporters/celery/rabbitmq_broker.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text = tocsin::fuzz::TextOf(bytes, size);
  static_cast<void>(tocsin::ParseWaitingMessage(text));
  static_cast<void>(tocsin::ParseRabbitMqQueues(text));
  tocsin::CeleryEvents events({.tracked_tasks = 8, .series = 4});
  static_cast<void>(events.Restore(text));
  const auto read = tocsin::ParseEventMessage(text);
  if (read.ok()) {
    for (const tocsin::CeleryEvent& event : *read) events.Apply(event, 1);
  }
  tocsin::CeleryEvents again;
  tocsin::fuzz::Require(again.Restore(events.Save()).ok(), "what is saved can be restored", text);
  return 0;
}
