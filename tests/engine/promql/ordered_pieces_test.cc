// Pieces made by several threads are used once, in their order, whatever the others do.
#include "engine/promql/ordered_pieces.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "base/executor.h"
#include "tests/support/fake_executor.h"

namespace tocsin::promql {
namespace {

void MakeNumber(size_t index, std::string& text) { text += std::to_string(index); }

std::vector<std::string> UseAll(Executor* helpers, size_t count) {
  std::vector<std::string> used;
  const bool all = UseInOrder(helpers, count, MakeNumber, [&used](const std::string& text) {
    used.push_back(text);
    return true;
  });
  EXPECT_TRUE(all);
  return used;
}

TEST(OrderedPieces, AreUsedOnceAndInOrder) {
  ThreadPool pool("test", 3);
  for (const size_t count : {0U, 1U, 2U, 3U, 1000U}) {
    std::vector<std::string> expected;
    for (size_t i = 0; i < count; ++i) expected.push_back(std::to_string(i));
    for (int round = 0; round < 20; ++round) ASSERT_EQ(UseAll(&pool, count), expected);
    ASSERT_EQ(UseAll(nullptr, count), expected);
  }
}

TEST(OrderedPieces, HelpersThatComeTooLateDoNoHarm) {
  testing_support::QueueExecutor late;
  EXPECT_EQ(UseAll(&late, 100).size(), 100U);
  late.RunAll();
}

TEST(OrderedPieces, NoMoreAreMadeWhenNoMoreAreWanted) {
  ThreadPool pool("test", 3);
  std::atomic<size_t> made = 0;
  size_t used = 0;
  const auto make = [&made](size_t index, std::string& text) {
    ++made;
    MakeNumber(index, text);
  };
  EXPECT_FALSE(
      UseInOrder(&pool, 100'000, make, [&used](const std::string&) { return ++used < 5; }));
  EXPECT_EQ(used, 5U);
  // Those that were ahead; at most a few for each core.
  EXPECT_LT(made, 2'000U);
}

TEST(OrderedPieces, ASlowUserIsNotWaitedForByHelpers) {
  // One thread helps two users, of which the first does not get on before the second is done.
  ThreadPool pool("test", 1);
  size_t inner = 0;
  const bool all = UseInOrder(&pool, 50, MakeNumber, [&](const std::string& text) {
    if (text == "1") inner = UseAll(&pool, 50).size();
    return true;
  });
  EXPECT_TRUE(all);
  EXPECT_EQ(inner, 50U);
}

}  // namespace
}  // namespace tocsin::promql
