#include "base/file_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FileTailTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("tail-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name = "access.log") const { return folder_ / name; }
  void Append(const std::string& text, const std::string& name = "access.log") {
    std::ofstream(Path(name), std::ios::app | std::ios::binary) << text;
  }
  void Rename(const std::string& to) { std::filesystem::rename(Path(), Path(to)); }

  std::vector<std::string> Lines(FileTail::Limits limits = {}) {
    std::vector<std::string> lines;
    const auto progress =
        tail_->Read(limits, [&](std::string_view line) { lines.emplace_back(line); });
    EXPECT_TRUE(progress.ok()) << progress.error().message;
    if (progress.ok()) progress_ = *progress;
    return lines;
  }
  void Open() { tail_ = std::make_unique<FileTail>(Path()); }

  std::filesystem::path folder_;
  std::unique_ptr<FileTail> tail_;
  FileTail::Progress progress_;
};

TEST_F(FileTailTest, WhatWasThereBeforeIsOld) {
  Append("old\n");
  Open();
  EXPECT_THAT(Lines(), IsEmpty());
  Append("one\ntwo\n");
  EXPECT_THAT(Lines(), ElementsAre("one", "two"));
  EXPECT_THAT(Lines(), IsEmpty());
}

TEST_F(FileTailTest, ALineIsHandedOnWhenItIsWhole) {
  Append("the end of an ol");
  Open();
  EXPECT_THAT(Lines(), IsEmpty());
  Append("d line\nfirst ");
  EXPECT_THAT(Lines(), IsEmpty());
  Append("half, second half\r\nnext");
  EXPECT_THAT(Lines(), ElementsAre("first half, second half"));
}

TEST_F(FileTailTest, ARenamedFileIsReadToItsEndBeforeTheNewOne) {
  Append("");
  Open();
  EXPECT_THAT(Lines(), IsEmpty());
  Append("a\n");
  Rename("access.log.1");
  Append("b\n", "access.log.1");
  Append("d\n");
  EXPECT_THAT(Lines(), ElementsAre("a", "b"));
  Append("c\n", "access.log.1");  // the server has not yet reopened its log
  EXPECT_THAT(Lines(), ElementsAre("c", "d"));
  EXPECT_EQ(progress_.rotations, 1U);
  Append("e\n");
  EXPECT_THAT(Lines(), ElementsAre("e"));
}

TEST_F(FileTailTest, TheOldFileIsReadUntilTheNewOneHasSomething) {
  Append("");
  Open();
  Lines();
  Rename("access.log.1");
  Append("");
  Lines();
  for (const char* line : {"a", "b", "c"}) {
    Append(std::string(line) + "\n", "access.log.1");
    EXPECT_THAT(Lines(), ElementsAre(line));
  }
  Append("d\n");
  EXPECT_THAT(Lines(), ElementsAre("d"));
}

TEST_F(FileTailTest, TheNewFileMayComeLate) {
  Append("");
  Open();
  Lines();
  Rename("access.log.1");
  Append("a\n", "access.log.1");
  EXPECT_THAT(Lines(), ElementsAre("a"));
  EXPECT_THAT(Lines(), IsEmpty());
  Append("b\n");
  Lines();
  Append("c\n");
  EXPECT_THAT(Lines(), ElementsAre("b", "c"));
}

TEST_F(FileTailTest, ATruncatedFileIsReadFromItsBeginning) {
  Append("old\n");
  Open();
  Lines();
  Append("a long line that is gone\n");
  Lines();
  std::filesystem::resize_file(Path(), 0);
  Append("b\n");
  EXPECT_THAT(Lines(), ElementsAre("b"));
  EXPECT_EQ(progress_.rotations, 1U);
}

TEST_F(FileTailTest, AFileThatGrewAgainAfterTruncationIsToldByItsLineEnds) {
  Append("0123456789\n");
  Open();
  Lines();
  std::filesystem::resize_file(Path(), 0);
  Append("a line that goes over the old end\nb\n");
  EXPECT_THAT(Lines(), ElementsAre("a line that goes over the old end", "b"));
}

TEST_F(FileTailTest, AFileThatComesLaterIsNewAsAWhole) {
  Open();
  EXPECT_FALSE(tail_->Read({}, [](std::string_view) {}).ok());
  Append("a\n");
  EXPECT_THAT(Lines(), ElementsAre("a"));
}

TEST_F(FileTailTest, HugeLinesAreDroppedWhole) {
  Append("");
  Open();
  Lines();
  Append(std::string(1'000'000, 'x') + "\nshort\n");
  EXPECT_THAT(Lines({.max_line_bytes = 1000}), ElementsAre("short"));
  EXPECT_EQ(progress_.dropped_lines, 1U);
}

TEST_F(FileTailTest, ALimitLeavesTheRestForTheNextTime) {
  Append("");
  Open();
  Lines();
  Append("aaaa\nbbbb\ncccc\n");
  EXPECT_THAT(Lines({.max_bytes = 7}), ElementsAre("aaaa"));
  EXPECT_EQ(progress_.bytes_left, 8U);
  EXPECT_THAT(Lines(), ElementsAre("bbbb", "cccc"));
}

TEST_F(FileTailTest, OnlyRegularFilesAreFollowed) {
  tail_ = std::make_unique<FileTail>("/dev/zero");
  const auto progress = tail_->Read({}, [](std::string_view) {});
  ASSERT_FALSE(progress.ok());
  EXPECT_EQ(progress.error().message, "/dev/zero is no regular file");
}

// Whatever the pieces in which a file grows and is renamed, each line comes once and in order.
TEST_F(FileTailTest, NothingIsLostOrRepeatedOverRandomGrowthAndRotation) {
  std::mt19937 random(7);
  Append("");
  Open();
  Lines();
  std::vector<std::string> written;
  std::vector<std::string> read;
  std::string pending;
  int rotations = 0;
  for (int i = 0; i < 2000; ++i) {
    written.push_back("line " + std::to_string(i));
    pending += written.back() + "\n";
    const size_t piece = random() % (pending.size() + 1);
    Append(pending.substr(0, piece));
    pending.erase(0, piece);
    // The server ends its line before it opens the new file.
    if (random() % 100 == 0) {
      Append(pending);
      pending.clear();
      Rename("access.log." + std::to_string(++rotations));
      Append("");
    }
    for (size_t reads = random() % 4; reads > 0; --reads) {
      for (std::string& line : Lines({.max_bytes = 1 + random() % 200})) {
        read.push_back(std::move(line));
      }
    }
    if (rotations > 0 && random() % 100 == 0) {
      for (std::string& line : Lines()) read.push_back(std::move(line));
    }
  }
  Append(pending);
  for (int i = 0; i < 5; ++i) {
    for (std::string& line : Lines()) read.push_back(std::move(line));
  }
  EXPECT_EQ(read, written);
}

}  // namespace
}  // namespace tocsin
