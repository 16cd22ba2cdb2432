// Holds the HTTP conversations of tests/simulation/conversations/*.txt with the whole process on
// virtual time, and compares what it answers, byte by byte.
//
// A conversation has the world first, then requests with their answers:
//
//   -- tocsin.yml --              a file
//   -- http://app:8000/metrics -- a page; "@n" in it counts how often it was read
//   -- conversation --
//   + 45s                         time passes
//   GET /api/v1/query?query=up
//   200 application/json          status and content type
//   {"status":"success",…         the body; then an empty line
//   POST /-/reload a=b            with a form as its body
//   // a remark
//
// With UPDATE_CONVERSATIONS=1 in the environment the files are written anew, to be read with git
// diff.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/time.h"
#include "tests/support/sections.h"
#include "tests/support/shared_files.h"
#include "tests/support/simulation/simulation.h"

namespace tocsin {
namespace {

using testing_support::ReadSections;
using testing_support::Section;
using testing_support::Simulation;
using testing_support::SplitLines;

std::string WithCount(std::string page, int count) {
  for (size_t at = 0; (at = page.find("@n", at)) != std::string::npos;) {
    page.replace(at, 2, std::to_string(count));
  }
  return page;
}

cli::AppOptions Options() {
  cli::AppOptions options;
  options.lifecycle = true;
  options.external_url = "http://tocsin.example";
  options.working_directory = "/";
  return options;
}

class World {
 public:
  void Put(const Section& section) {
    constexpr std::string_view kScheme = "http://";
    constexpr std::string_view kPath = "/metrics";
    if (!section.name.starts_with(kScheme)) {
      sim_.files().Put(section.name, section.text);
      return;
    }
    ASSERT_TRUE(section.name.ends_with(kPath)) << section.name;
    const std::string address =
        section.name.substr(kScheme.size(), section.name.size() - kScheme.size() - kPath.size());
    sim_.Serve(address,
               [this, address, page = section.text] { return WithCount(page, ++reads_[address]); });
  }

  void Start() {
    const Status status = sim_.Start();
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  // What a line of the conversation says back; "" for a line that is an answer.
  std::string Say(const std::string& line) {
    if (line.starts_with("+ ")) {
      const Result<Duration> time = ParsePrometheusDuration(line.substr(2));
      EXPECT_TRUE(time.ok()) << line;
      sim_.Advance(time.ok() ? *time : Duration::zero());
      return line + "\n";
    }
    if (line.starts_with("GET ") || line.starts_with("POST ")) return Ask(line);
    return line.starts_with("// ") ? line + "\n" : "";
  }

 private:
  std::string Ask(const std::string& line) {
    server::HttpServerRequest request;
    const size_t space = line.find(' ');
    const size_t form = std::min(line.find(' ', space + 1), line.size());
    const size_t query = std::min(line.find('?', space), form);
    request.method = line.substr(0, space);
    request.path = server::UrlDecode(line.substr(space + 1, query - space - 1));
    if (form < line.size()) request.parameters.AddEncoded(line.substr(form + 1));
    if (query < form) request.parameters.AddEncoded(line.substr(query + 1, form - query - 1));
    const server::HttpServerResponse answer = sim_.app().Handle(std::move(request));
    std::string body = server::BodyOf(answer);
    if (!body.ends_with('\n')) body += '\n';
    return line + "\n" + std::to_string(answer.status) + " " + answer.content_type + "\n" + body +
           "\n";
  }

  Simulation sim_{Options()};
  std::map<std::string, int> reads_;
};

class ConversationTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ConversationTest, AnswersTheSame) {
  World world;
  const std::string file = testing_support::ReadAll(GetParam());
  std::vector<Section> sections = ReadSections(file);
  ASSERT_FALSE(sections.empty());
  const Section conversation = sections.back();
  sections.pop_back();
  ASSERT_EQ(conversation.name, "conversation");
  for (const Section& section : sections) world.Put(section);
  world.Start();
  std::string said;
  for (const std::string& line : SplitLines(conversation.text)) said += world.Say(line);
  if (std::getenv("UPDATE_CONVERSATIONS") != nullptr) {
    std::ofstream(GetParam()) << file.substr(0, file.size() - conversation.text.size()) << said;
    return;
  }
  EXPECT_EQ(conversation.text, said);
}

std::vector<std::filesystem::path> Conversations() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(testing_support::SourceFolder() /
                                                               "tests/simulation/conversations")) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

INSTANTIATE_TEST_SUITE_P(All, ConversationTest, testing::ValuesIn(Conversations()),
                         [](const auto& param) { return param.param.stem().string(); });

}  // namespace
}  // namespace tocsin
