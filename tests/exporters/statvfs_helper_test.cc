#include "exporters/node/statvfs_helper.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace tocsin {
namespace {

int Hangs(const char* /*path*/, struct statvfs* /*stats*/) {
  for (;;) ::pause();
}
int Fails(const char* /*path*/, struct statvfs* /*stats*/) {
  errno = EIO;
  return -1;
}

TEST(StatvfsHelperTest, ItAnswersAsTheCallItself) {
  StatvfsHelper helper("/");
  for (int i = 0; i < 3; ++i) {
    const auto stats = helper.Ask(std::chrono::seconds(20));
    ASSERT_TRUE(stats.ok()) << stats.error().message;
    struct statvfs direct {};
    ASSERT_EQ(::statvfs("/", &direct), 0);
    EXPECT_EQ(stats->f_blocks, direct.f_blocks);
    EXPECT_EQ(stats->f_files, direct.f_files);
  }
}

TEST(StatvfsHelperTest, AnErrorIsHandedOn) {
  StatvfsHelper helper("/mnt/x", &Fails);
  const auto stats = helper.Ask(std::chrono::seconds(20));
  ASSERT_FALSE(stats.ok());
  EXPECT_EQ(stats.error().message, "statvfs /mnt/x: Input/output error");
}

TEST(StatvfsHelperTest, ACallThatHangsIsWaitedForOnce) {
  StatvfsHelper helper("/mnt/nfs", &Hangs);
  const auto first = helper.Ask(std::chrono::milliseconds(50));
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(first.error().code, ErrorCode::kTimeout);
  // Ten minutes of patience would be noticed: the second answer comes at once.
  const auto second = helper.Ask(std::chrono::minutes(10));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace tocsin
