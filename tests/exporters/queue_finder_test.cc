#include "exporters/celery/queue_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

TEST(QueueFinderTest, QueuesComeFromBindingsAndPriorityLists) {
  QueueFinder finder(CeleryConfig{});
  finder.SeeBinding("video\x06\x16\x06\x16video");
  finder.SeeKey(
      "reports\x06\x16"
      "5");
  finder.SeeKey("some-cache-key");
  EXPECT_THAT(finder.queues(), ElementsAre("celery", "reports", "video"));
}

TEST(QueueFinderTest, AnUnusualPriorityStepIsLearnt) {
  QueueFinder finder(CeleryConfig{});
  EXPECT_THAT(finder.steps(), Not(Contains(42)));
  finder.SeeKey(
      "video\x06\x16"
      "42");
  EXPECT_THAT(finder.steps(), Contains(42));
  EXPECT_EQ(finder.ListKey("video", 42),
            "video\x06\x16"
            "42");
  EXPECT_EQ(finder.ListKey("video", 0), "video");
}

TEST(QueueFinderTest, RemoteControlAndEventsAreNoQueues) {
  QueueFinder finder(CeleryConfig{});
  finder.SeeKey("_kombu.binding.celeryev");
  finder.SeeKey("_kombu.binding.celery.pidbox");
  finder.SeeKey("_kombu.binding.video");
  finder.SeeBinding("\x06\x16\x06\x16w1@host.celery.pidbox");
  finder.SeeBinding(
      "#\x06\x16\x06\x16"
      "celeryev.1f");
  EXPECT_THAT(finder.bindings(), ElementsAre("_kombu.binding.celery", "_kombu.binding.video"));
  EXPECT_THAT(finder.queues(), ElementsAre("celery"));
}

TEST(QueueFinderTest, AGlobalPrefixStandsBeforeEveryKey) {
  CeleryConfig config;
  config.global_keyprefix = "prod.";
  config.queues = {"video"};
  QueueFinder finder(config);
  finder.SeeKey(
      "emails\x06\x16"
      "3");
  finder.SeeKey(
      "prod.emails\x06\x16"
      "3");
  EXPECT_THAT(finder.queues(), ElementsAre("emails", "video"));
  EXPECT_EQ(finder.ListKey("video", 3),
            "prod.video\x06\x16"
            "3");
}

}  // namespace
}  // namespace tocsin
