// What Celery puts into its broker: waiting messages and events, both as kombu writes them.
//
// Source of the format: kombu's virtual transport. A message is a JSON object with headers,
// properties and a body; the body of an event is base64 of one JSON object, or of an array of
// them (routing key task.multi).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tocsin {

// The parts of a waiting message that say how old it is. Never its arguments.
struct WaitingMessage {
  std::string id;            // of the task; also in its events
  std::string delivery_tag;  // of this one delivery
};

// One element of a queue's list.
Result<WaitingMessage> ParseWaitingMessage(std::string_view json);

// One event of a task or a worker. Texts are cut to a length fit for labels; arguments, results and
// tracebacks are not kept.
struct CeleryEvent {
  std::string type;           // "task-sent", "worker-heartbeat", …
  std::string host;           // the part of the node's name behind "@"
  std::string node;           // "w1@host-w1"
  std::string uuid;           // of the task
  std::string name;           // of the task; only task-sent and task-received have it
  std::string queue;          // only task-sent has it
  std::string exception;      // the type of a task-failed
  double timestamp = 0;       // seconds since the epoch, by the sender's clock
  double runtime = 0;         // seconds; only task-succeeded
  double active = 0;          // running tasks; only of workers
  double processed = 0;       // tasks since the worker's start; only of workers
  std::optional<double> eta;  // seconds since the epoch
};

// The payload of one pub/sub message. Other encodings than JSON (pickle, yaml, msgpack) are refused
// without a look at them.
Result<std::vector<CeleryEvent>> ParseEventMessage(std::string_view payload);

// Standard alphabet, padded; nothing when the text is something else.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace tocsin
