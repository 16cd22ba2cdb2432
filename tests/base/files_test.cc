#include "base/files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace tocsin {
namespace {

class RealFiles : public testing::Test {
 protected:
  RealFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-files-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~RealFiles() override { std::filesystem::remove_all(folder_); }

  RealFileSystem files_;
  std::string folder_;
};

TEST_F(RealFiles, WritesWholeOrNotAtAll) {
  const std::string path = folder_ + "/new/state";
  ASSERT_TRUE(files_.WriteAtomically(path, "one").ok());
  ASSERT_TRUE(files_.WriteAtomically(path, "two").ok());
  EXPECT_EQ(*files_.Read(path, 100), "two");
  EXPECT_EQ(*files_.List(folder_ + "/new"), std::vector<std::string>{"state"});
}

TEST_F(RealFiles, BoundsWhatItReads) {
  ASSERT_TRUE(files_.WriteAtomically(folder_ + "/big", std::string(10'000, 'x')).ok());
  EXPECT_TRUE(files_.Read(folder_ + "/big", 10'000).ok());
  const auto refused = files_.Read(folder_ + "/big", 9'999);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
}

TEST_F(RealFiles, NamesWhatIsMissing) {
  const auto missing = files_.Read(folder_ + "/nope", 1);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message, "open " + folder_ + "/nope: No such file or directory");
  EXPECT_FALSE(files_.Remove(folder_ + "/nope").ok());
  EXPECT_FALSE(files_.Exists(folder_ + "/nope"));
}

TEST_F(RealFiles, GlobsSorted) {
  for (const char* name : {"/b.yml", "/a.yml", "/c.txt"}) {
    ASSERT_TRUE(files_.Append(folder_ + name, "x").ok());
  }
  EXPECT_EQ(files_.Glob(folder_ + "/*.yml"),
            (std::vector<std::string>{folder_ + "/a.yml", folder_ + "/b.yml"}));
  EXPECT_TRUE(files_.Glob(folder_ + "/*.json").empty());
}

TEST(ResolvePath, IsRelativeToTheFile) {
  EXPECT_EQ(ResolvePath("/etc/tocsin/tocsin.yml", "rules/*.yml"), "/etc/tocsin/rules/*.yml");
  EXPECT_EQ(ResolvePath("tocsin.yml", "rules.yml"), "rules.yml");
  EXPECT_EQ(ResolvePath("/a/b.yml", "/c.yml"), "/c.yml");
  EXPECT_EQ(ResolvePath("/a/b.yml", "../c.yml"), "/c.yml");
}

}  // namespace
}  // namespace tocsin
