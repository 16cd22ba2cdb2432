#include "exporters/celery/celery_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <cmath>
#include <sstream>

#include "base/json.h"
#include "exporters/celery/celery_families.h"
#include "tests/exporters/table_sink.h"
#include "tests/support/shared_files.h"

namespace tocsin {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_support::FindShared;
using testing_support::ReadAll;
using testing_support::TableSink;

constexpr double kNow = 1000;

CeleryEvent Event(std::string type, std::string uuid, double at, std::string name = "",
                  std::string queue = "") {
  return {.type = std::move(type),
          .host = "host-w1",
          .node = "w1@host-w1",
          .uuid = std::move(uuid),
          .name = std::move(name),
          .queue = std::move(queue),
          .timestamp = at};
}

double ValueOf(const CeleryEvents& events, const std::string& series, double now = kNow) {
  TableSink sink(kCeleryFamilies);
  events.Write(now, sink);
  events.WriteAliases(now, 0, sink);
  return sink.Value(series);
}

// The life of one task: sent at 100 to run at 110, started at 112, done at 113.
void LiveOnce(CeleryEvents& events, const std::string& uuid) {
  CeleryEvent sent = Event("task-sent", uuid, 100, "app.mail", "emails");
  sent.eta = 110;
  CeleryEvent done = Event("task-succeeded", uuid, 113);
  done.runtime = 0.3;
  events.Apply(sent, kNow);
  events.Apply(Event("task-received", uuid, 101, "app.mail"), kNow);
  events.Apply(Event("task-started", uuid, 112), kNow);
  events.Apply(done, kNow);
}

TEST(CeleryEventsTest, AllEventsOfATaskHaveItsNameAndQueue) {
  CeleryEvents events;
  LiveOnce(events, "a");
  const std::string labels = R"({hostname="host-w1", name="app.mail", queue_name="emails"})";
  for (const char* name : {"sent", "received", "started", "succeeded"}) {
    EXPECT_EQ(ValueOf(events, "celery_task_" + std::string(name) + "_total" + labels), 1) << name;
  }
  EXPECT_EQ(ValueOf(events, "celery_task_failed_total" + labels), 0);
  EXPECT_EQ(ValueOf(events, "celery_task_runtime_sum" + labels), 0.3);
}

TEST(CeleryEventsTest, AWorkerMayBeHeardBeforeTheProducer) {
  CeleryEvents first;
  LiveOnce(first, "a");
  CeleryEvents events;
  ASSERT_TRUE(
      events.Restore(first.Save()).ok());  // producers tell: an earlier process has heard it
  CeleryEvent done = Event("task-succeeded", "b", 113);
  done.runtime = 0.3;
  events.Apply(Event("task-received", "b", 101, "app.mail"), kNow);
  events.Apply(Event("task-started", "b", 112), kNow);
  events.Apply(done, kNow);
  events.ReleaseHeld(kNow + 1);
  const std::string labels = R"({hostname="host-w1", name="app.mail", queue_name="emails"})";
  EXPECT_EQ(ValueOf(events, "celery_task_succeeded_total" + labels), 1);
  events.Apply(Event("task-sent", "b", 100, "app.mail", "emails"), kNow + 1);
  for (const char* name : {"sent", "received", "started", "succeeded"}) {
    EXPECT_EQ(ValueOf(events, "celery_task_" + std::string(name) + "_total" + labels), 2) << name;
  }
  EXPECT_EQ(ValueOf(events, "celery_task_queue_wait_time_count" + labels), 2);

  // A producer that does not tell: counted without a queue, a little later.
  events.Apply(Event("task-received", "c", 101, "app.mail"), kNow);
  events.Apply(Event("task-succeeded", "c", 113), kNow);
  const std::string unnamed = R"({hostname="host-w1", name="app.mail"})";
  events.ReleaseHeld(kNow + 1.9);
  EXPECT_TRUE(std::isnan(ValueOf(events, "celery_task_received_total" + unnamed)));
  events.ReleaseHeld(kNow + 2);
  EXPECT_EQ(ValueOf(events, "celery_task_received_total" + unnamed), 1);
  EXPECT_EQ(ValueOf(events, "celery_task_succeeded_total" + unnamed), 1);
}

TEST(CeleryEventsTest, TheWaitingTimeLeavesTheWantedDelayOut) {
  CeleryEvents events;
  LiveOnce(events, "a");
  const std::string labels = R"({hostname="host-w1", name="app.mail", queue_name="emails"})";
  EXPECT_EQ(ValueOf(events, "celery_task_queue_wait_time_sum" + labels), 2);
  EXPECT_EQ(ValueOf(events, R"(celery_task_queue_wait_time_bucket{hostname="host-w1", le="1.0", )"
                            R"(name="app.mail", queue_name="emails"})"),
            0);
  EXPECT_EQ(ValueOf(events, R"(celery_task_queue_wait_time_bucket{hostname="host-w1", le="2.5", )"
                            R"(name="app.mail", queue_name="emails"})"),
            1);
}

TEST(CeleryEventsTest, AWorkerThatFallsSilentIsDownAndThenGone) {
  CeleryEvents events({.worker_timeout_s = 30, .worker_forget_s = 600});
  CeleryEvent beat = Event("worker-heartbeat", "", 1);
  beat.active = 2;
  beat.processed = 17;
  events.Apply(beat, kNow);
  const std::string up = R"(celery_worker_up{hostname="host-w1"})";
  EXPECT_EQ(ValueOf(events, up, kNow + 29), 1);
  EXPECT_EQ(ValueOf(events, R"(celery_worker_tasks_active{hostname="host-w1"})"), 2);
  EXPECT_EQ(ValueOf(events, R"(celery_worker_tasks_processed_total{hostname="host-w1"})"), 17);
  EXPECT_EQ(ValueOf(events, "celery_workers"), 1);
  EXPECT_EQ(ValueOf(events, up, kNow + 31), 0);
  EXPECT_EQ(ValueOf(events, "celery_workers", kNow + 31), 0);
  EXPECT_TRUE(std::isnan(ValueOf(events, up, kNow + 631)));
}

TEST(CeleryEventsTest, ACleanStopIsSeenAtOnce) {
  CeleryEvents events;
  events.Apply(Event("worker-online", "", 1), kNow);
  events.Apply(Event("worker-offline", "", 2), kNow);
  EXPECT_EQ(ValueOf(events, R"(celery_worker_up{hostname="host-w1"})"), 0);
}

TEST(CeleryEventsTest, CountersGoOnAfterARestart) {
  CeleryEvents before;
  LiveOnce(before, "a");
  CeleryEvent failed = Event("task-failed", "b", 5);
  failed.exception = "ValueError";
  before.Apply(Event("task-received", "b", 4, "app.broken"), kNow);
  before.Apply(failed, kNow);
  CeleryEvents after;
  before.ReleaseHeld(kNow + 3);
  ASSERT_TRUE(after.Restore(before.Save()).ok());
  LiveOnce(after, "c");
  TableSink expected(kCeleryFamilies);
  LiveOnce(before, "c");
  before.Write(kNow, expected);
  before.WriteAliases(kNow, 3, expected);
  TableSink found(kCeleryFamilies);
  after.Write(kNow, found);
  after.WriteAliases(kNow, 3, found);
  EXPECT_EQ(found.values(), expected.values());
  EXPECT_EQ(found.Value(R"(celery_task_failed_total{exception="ValueError", )"
                        R"(hostname="host-w1", name="app.broken"})"),
            1);
}

TEST(CeleryEventsTest, ABrokenStateFileIsAnErrorAndChangesNothing) {
  CeleryEvents events;
  for (const char* text : {"", "{", "[]", "{\"series\":3}"}) {
    EXPECT_FALSE(events.Restore(text).ok()) << text;
  }
  EXPECT_EQ(events.changes(), 0U);
}

TEST(CeleryEventsTest, EverNewNamesDoNotMakeEverNewSeries) {
  CeleryEvents events({.tracked_tasks = 50, .series = 20, .exceptions = 3});
  for (int i = 0; i < 5000; ++i) {
    const std::string id = std::to_string(i);
    CeleryEvent failed = Event("task-failed", id, i);
    failed.exception = "Error" + id;
    failed.host = "host" + id;
    events.Apply(Event("task-received", id, i, "app.task" + id, "queue" + id), kNow);
    events.Apply(failed, kNow);
  }
  TableSink sink(kCeleryFamilies);
  events.Write(kNow, sink);
  EXPECT_LT(sink.values().size(), 500U);
  EXPECT_EQ(sink.Value(R"(celery_task_received_total{hostname="_other", name="_other", )"
                       R"(queue_name="_other"})"),
            4990);
}

TEST(CeleryEventsTest, ForgottenTasksCountWithoutAName) {
  CeleryEvents events({.tracked_tasks = 2, .patience_s = 0});
  for (const char* id : {"a", "b", "c"}) {
    events.Apply(Event("task-received", id, 1, "app.mail"), kNow);
  }
  events.Apply(Event("task-started", "a", 2), kNow);
  EXPECT_EQ(ValueOf(events, R"(celery_task_started_total{hostname="host-w1"})"), 1);
}

// What a client that was subscribed all the time has counted: see celery-redis.md beside it.
TEST(CeleryEventsTest, TheCapturedStreamGivesTheCapturedNumbers) {
  const auto path = FindShared("peers/exporters/celery-events.jsonl");
  if (!path) GTEST_SKIP() << "the reference material is not there";
  CeleryEvents events;
  std::istringstream lines(ReadAll(*path));
  std::map<std::string, double> types;
  for (std::string line; std::getline(lines, line);) {
    const Result<JsonValue> entry = JsonValue::Parse(line);
    ASSERT_TRUE(entry.ok());
    const auto read = ParseEventMessage(entry->Find("data")->TextOrEmpty());
    ASSERT_TRUE(read.ok()) << read.error().message;
    for (const CeleryEvent& event : *read) {
      ++types[event.type];
      events.Apply(event, event.timestamp);
    }
  }
  events.ReleaseHeld(kNow);
  const std::pair<const char*, const char*> states[] = {
      {"SENT", "task-sent"},         {"RECEIVED", "task-received"}, {"STARTED", "task-started"},
      {"SUCCESS", "task-succeeded"}, {"FAILURE", "task-failed"},    {"RETRY", "task-retried"},
      {"REVOKED", "task-revoked"}};
  for (const auto& [state, type] : states) {
    EXPECT_GT(types[type], 0) << type;
    EXPECT_EQ(ValueOf(events, "celery_tasks_total{state=\"" + std::string(state) + "\"}"),
              types[type])
        << state;
  }
}

TEST(CeleryMessageTest, OnlyJsonIsRead) {
  EXPECT_FALSE(
      ParseEventMessage(R"({"body":"gASV","content-type":"application/x-python-serialize",)"
                        R"("properties":{"body_encoding":"base64"}})")
          .ok());
  for (const char* text : {"", "{}", "[]",
                           "{\"body\":\"!!\",\"properties\":{\"body_encoding\":"
                           "\"base64\"}}"}) {
    EXPECT_FALSE(ParseEventMessage(text).ok()) << text;
  }
}

TEST(CeleryMessageTest, NoUserTextBecomesALabel) {
  const auto events = ParseEventMessage(
      R"({"body":"[{\"type\":\"task-failed\",\"exception\":\"ValueError('secret')\"},)"
      R"({\"type\":\"task-failed\",\"exception\":\"user wrote this\"},)"
      R"({\"type\":\"task-failed\",\"exception\":\"ExceptionWithTraceback()\",)"
      R"(\"traceback\":\"Traceback (most recent call last):\\nKeyError: 'secret'\\n\"}]"})");
  ASSERT_TRUE(events.ok()) << events.error().message;
  EXPECT_EQ((*events)[2].exception, "KeyError");
  EXPECT_EQ((*events)[0].exception, "ValueError");
  EXPECT_EQ((*events)[1].exception, "other");
}

TEST(CeleryMessageTest, Base64IsDecodedOrRefused) {
  EXPECT_EQ(DecodeBase64("aGVsbG8="), "hello");
  EXPECT_EQ(DecodeBase64(""), "");
  EXPECT_EQ(DecodeBase64("aGVsbG8"), std::nullopt);
  EXPECT_EQ(DecodeBase64("aGV*"), std::nullopt);
}

TEST(CeleryMessageTest, AWaitingMessageSaysWhoItIs) {
  const auto message =
      ParseWaitingMessage(R"({"body":"W10=","headers":{"id":"92f4","task":"app.report"},)"
                          R"("properties":{"delivery_tag":"27dd","priority":0}})");
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->id, "92f4");
  EXPECT_EQ(message->delivery_tag, "27dd");
  EXPECT_FALSE(ParseWaitingMessage("{}").ok());
}

}  // namespace
}  // namespace tocsin
