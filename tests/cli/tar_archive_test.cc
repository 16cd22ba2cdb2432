#include "cli/tar_archive.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace tocsin::cli {
namespace {

std::string Output(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  std::string text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  ::pclose(pipe);
  return text;
}

TEST(TarArchive, IsReadByTar) {
  TarArchive archive;
  archive.Add("a.txt", "first\n", FromMs(1'700'000'000'000));
  archive.Add("empty.json", "", FromMs(1'700'000'000'000));
  archive.Add("b.txt", std::string(1000, 'x') + "\n", FromMs(1'700'000'000'000));
  const std::string path = testing::TempDir() + "/archive.tar";
  std::ofstream(path, std::ios::binary) << archive.Take();
  EXPECT_EQ(Output("tar tf " + path + " 2>&1"), "a.txt\nempty.json\nb.txt\n");
  EXPECT_EQ(Output("tar xOf " + path + " a.txt b.txt 2>&1"),
            "first\n" + std::string(1000, 'x') + "\n");
}

}  // namespace
}  // namespace tocsin::cli
