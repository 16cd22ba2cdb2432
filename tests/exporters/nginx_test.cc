#include "exporters/nginx/nginx_collector.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(NginxStatusTest, ThePageIsRead) {
  const Result<NginxStatus> status = ParseNginxStatus(
      "Active connections: 3 \nserver accepts handled requests\n 17 16 42 \n"
      "Reading: 1 Writing: 2 Waiting: 0 \n");
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->active, 3);
  EXPECT_EQ(status->accepted, 17);
  EXPECT_EQ(status->handled, 16);
  EXPECT_EQ(status->requests, 42);
  EXPECT_EQ(status->reading, 1);
  EXPECT_EQ(status->writing, 2);
  EXPECT_EQ(status->waiting, 0);
}

TEST(NginxStatusTest, AnotherPageIsAnError) {
  for (const char* page : {"", "<html>It works!</html>", "Active connections: 3\n"}) {
    EXPECT_FALSE(ParseNginxStatus(page).ok()) << page;
  }
}

}  // namespace
}  // namespace tocsin
