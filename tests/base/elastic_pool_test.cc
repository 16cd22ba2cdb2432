#include "base/elastic_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace tocsin {
namespace {

TEST(ElasticPoolTest, TasksThatHangDoNotStallOthers) {
  std::latch hanging(3);
  std::latch release(1);
  std::latch done(1);
  {
    ElasticPool pool("elastic", 8);
    for (int i = 0; i < 3; ++i) {
      pool.Post([&] {
        hanging.count_down();
        release.wait();
      });
    }
    hanging.wait();
    pool.Post([&] { done.count_down(); });
    done.wait();
    EXPECT_GE(pool.threads(), 4u);
    release.count_down();
  }
}

TEST(ElasticPoolTest, ThereAreNoMoreThreadsThanTheLimit) {
  std::latch done(100);
  ElasticPool pool("elastic", 2);
  for (int i = 0; i < 100; ++i) pool.Post([&] { done.count_down(); });
  done.wait();
  EXPECT_LE(pool.threads(), 2u);
}

TEST(ElasticPoolTest, OneThreadIsEnoughForOneTaskAfterTheOther) {
  ElasticPool pool("elastic", 8);
  for (int i = 0; i < 50; ++i) {
    std::latch done(1);
    pool.Post([&] { done.count_down(); });
    done.wait();
  }
  EXPECT_LE(pool.threads(), 8u);
}

}  // namespace
}  // namespace tocsin
