#include "engine/storage/reclaimer.h"

#include <gtest/gtest.h>

#include <memory>

namespace tocsin {
namespace {

// Counts itself while it lives.
class Counted {
 public:
  explicit Counted(int& alive) : alive_(alive) { ++alive_; }
  ~Counted() { --alive_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  int& alive_;
};

class ReclaimerTest : public ::testing::Test {
 protected:
  void Retire() { reclaimer_.Retire(std::make_unique<Counted>(alive_)); }

  int alive_ = 0;
  Reclaimer reclaimer_;
};

TEST_F(ReclaimerTest, FreesAtOnceWithoutReaders) {
  Retire();
  EXPECT_EQ(alive_, 0);
  reclaimer_.Unpin(reclaimer_.Pin());
  Retire();
  EXPECT_EQ(alive_, 0);
}

TEST_F(ReclaimerTest, KeepsWhatAReaderMaySeeAndNoMore) {
  const Reclaimer::Epoch first = reclaimer_.Pin();
  Retire();
  const Reclaimer::Epoch second = reclaimer_.Pin();
  Retire();
  EXPECT_EQ(reclaimer_.waiting(), 2u);
  reclaimer_.Unpin(first);
  EXPECT_EQ(alive_, 1) << "the second reader came after the first object was retired";
  reclaimer_.Unpin(second);
  EXPECT_EQ(alive_, 0);
  EXPECT_TRUE(reclaimer_.quiet());
}

TEST_F(ReclaimerTest, ALongReaderHoldsWhatLaterOnesHaveLeft) {
  const Reclaimer::Epoch first = reclaimer_.Pin();
  const Reclaimer::Epoch second = reclaimer_.Pin();
  Retire();
  reclaimer_.Unpin(second);
  EXPECT_EQ(alive_, 1);
  reclaimer_.Unpin(first);
  EXPECT_EQ(alive_, 0);
}

}  // namespace
}  // namespace tocsin
