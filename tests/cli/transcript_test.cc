// Runs the command lines of tests/cli/transcripts/*.txt and compares what they print.
//
// A transcript has the world first, then commands with what they are to say:
//
//   -- rules.yml --               a file
//   -- http://host/path --        what that address answers
//   -- transcript --
//   $ tocsin check rules rules.yml
//   Checking rules.yml            standard output
//   ! FAILED: …                   standard error
//   [exit 1]                      when it is not 0
//
// With UPDATE_TRANSCRIPTS=1 in the environment the files are written anew, to be read with git
// diff.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/commands.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/memory_files.h"
#include "tests/support/sections.h"
#include "tests/support/shared_files.h"

namespace tocsin::cli {
namespace {

using testing_support::FakeClock;
using testing_support::FakeHttp;
using testing_support::MemoryFiles;
using testing_support::ReadSections;
using testing_support::Section;
using testing_support::SplitLines;

// Words at spaces; '…' holds one together.
std::vector<std::string> Words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool any = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any) words.push_back(std::exchange(word, ""));
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) words.push_back(word);
  return words;
}

// Standard output and error as they come, the latter's lines marked.
class Screen {
 public:
  void Out(std::string_view text) { Add(text, ""); }
  void Err(std::string_view text) { Add(text, "! "); }
  const std::string& text() const { return text_; }

 private:
  void Add(std::string_view text, const std::string& mark) {
    for (const std::string& line : SplitLines(text)) text_ += mark + line + "\n";
  }
  std::string text_;
};

class World {
 public:
  void Put(const std::string& name, const std::string& content) {
    if (name.find("://") != std::string::npos) {
      http_.Answer(name, 200, content, "application/json");
    } else {
      files_.Put(name, content);
    }
  }

  std::string Run(const std::string& line) {
    Screen screen;
    CommandContext context{.clock = clock_,
                           .files = files_,
                           .http = http_,
                           .environment = [](const std::string&) { return std::nullopt; },
                           .out = [&](std::string_view text) { screen.Out(text); },
                           .err = [&](std::string_view text) { screen.Err(text); },
                           .pause = [](Duration) { return false; }};
    std::vector<std::string> words = Words(line);
    words.erase(words.begin());  // tocsin
    const int code = RunCommandLine(words, context);
    return "$ " + line + "\n" + screen.text() +
           (code == 0 ? "" : "[exit " + std::to_string(code) + "]\n");
  }

 private:
  FakeClock clock_;
  MemoryFiles files_;
  FakeHttp http_;
};

class TranscriptTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(TranscriptTest, SaysTheSame) {
  World world;
  const std::string file = testing_support::ReadAll(GetParam());
  std::vector<Section> sections = ReadSections(file);
  ASSERT_FALSE(sections.empty());
  const Section transcript = sections.back();
  sections.pop_back();
  ASSERT_EQ(transcript.name, "transcript");
  for (const Section& section : sections) world.Put(section.name, section.text);
  std::string said;
  for (const std::string& line : SplitLines(transcript.text)) {
    if (line.starts_with("$ ")) said += world.Run(line.substr(2));
  }
  if (std::getenv("UPDATE_TRANSCRIPTS") != nullptr) {
    std::ofstream(GetParam()) << file.substr(0, file.size() - transcript.text.size()) << said;
    return;
  }
  EXPECT_EQ(transcript.text, said);
}

std::vector<std::filesystem::path> Transcripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(testing_support::SourceFolder() /
                                                               "tests/cli/transcripts")) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

INSTANTIATE_TEST_SUITE_P(All, TranscriptTest, testing::ValuesIn(Transcripts()),
                         [](const auto& param) { return param.param.stem().string(); });

}  // namespace
}  // namespace tocsin::cli
