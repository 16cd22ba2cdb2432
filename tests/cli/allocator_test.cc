#include "cli/allocator.h"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace tocsin::cli {
namespace {

// Pages of files that are mapped into this process, from /proc/self/statm.
size_t ResidentFilePages() {
  size_t size = 0;
  size_t resident = 0;
  size_t shared = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> shared;
  return shared;
}

TEST(AllocatorTest, WhatStartingReadIsGivenBackAndReadAgainWhenNeeded) {
  const size_t before = ResidentFilePages();
  ASSERT_GT(before, 0U);
  ReleaseStartupMemory();
  const size_t after = ResidentFilePages();
  EXPECT_LT(after, before * 3 / 4);
  // What was linked at the start, and code that had not run before, still work.
  EXPECT_EQ(std::to_string(1.5).substr(0, 3), "1.5");
  EXPECT_THROW(std::string("x").at(2), std::out_of_range);
}

}  // namespace
}  // namespace tocsin::cli
