// Pages that real exporters gave, read whole and, when Python's client library is there, compared
// sample by sample with what its parser makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/engine/exposition/page_dump.h"
#include "tests/support/shared_files.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> CapturedPages() {
  std::vector<fs::path> pages;
  const auto captures = testing_support::FindShared("peers/exporters");
  if (!captures) return pages;
  for (const auto& entry : fs::directory_iterator(*captures)) {
    if (entry.path().extension() == ".prom") pages.push_back(entry.path());
  }
  std::sort(pages.begin(), pages.end());
  return pages;
}

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Lines of a page that are samples.
size_t CountSampleLines(const std::string& page) {
  std::istringstream in(page);
  size_t count = 0;
  for (std::string line; std::getline(in, line);) count += !line.empty() && line[0] != '#' ? 1 : 0;
  return count;
}

TEST(CorpusTest, EveryLineOfEveryCapturedPageIsRead) {
  const std::vector<fs::path> pages = CapturedPages();
  if (pages.empty()) GTEST_SKIP() << "no captured pages: set TOCSIN_SHARED";
  for (const fs::path& path : pages) {
    SCOPED_TRACE(path.filename().string());
    const std::string page = ReadAll(path);
    const std::vector<std::string> lines =
        testing_support::DumpPage(page, ExpositionFormat::kPrometheusText);
    ASSERT_FALSE(lines.empty());
    EXPECT_THAT(lines, testing::Each(testing::Not(testing::StartsWith("error"))));
    size_t samples = 0;
    for (const std::string& line : lines) samples += line.starts_with("sample ") ? 1 : 0;
    EXPECT_EQ(samples, CountSampleLines(page));
  }
}

constexpr std::string_view kPeerScript = R"(
import sys
try:
    from prometheus_client.parser import text_string_to_metric_families as parse
except ImportError:
    sys.exit(77)
# Without its types: it renames counters.
page = ''.join(line for line in open(sys.argv[1]) if not line.startswith('# TYPE'))
for family in parse(page):
    for s in family.samples:
        labels = dict(s.labels, __name__=s.name)
        pairs = sorted((k, v) for k, v in labels.items() if v != '')
        print(repr(pairs), repr(s.value))
)";

std::string AsPythonPrints(const LabelSet& labels, double value) {
  const auto quote = [](const std::string& text) {
    const char mark =
        text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
    std::string out(1, mark);
    for (const char c : text) {
      if (c == '\\' || c == mark) out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else if (c == '\t') {
        out += "\\t";
      } else if (c == '\r') {
        out += "\\r";
      } else {
        out += c;
      }
    }
    return out + mark;
  };
  std::string out;
  for (const auto& [name, text] : labels) {
    out += out.empty() ? "[" : ", ";
    out += "(" + quote(name) + ", " + quote(text) + ")";
  }
  return out + "] " + FormatGoE(value);
}

TEST(CorpusTest, PythonsClientLibraryReadsTheSame) {
  const std::vector<fs::path> pages = CapturedPages();
  if (pages.empty()) GTEST_SKIP() << "no captured pages: set TOCSIN_SHARED";
  const fs::path folder = fs::path(testing::TempDir()) / ("corpus" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "peer.py") << kPeerScript;
  for (const fs::path& path : pages) {
    SCOPED_TRACE(path.filename().string());
    const std::string command = "/usr/bin/python3 " + (folder / "peer.py").string() + " " +
                                path.string() + " > " + (folder / "out").string() + " 2>&1";
    if (std::system(command.c_str()) != 0) {
      fs::remove_all(folder);
      GTEST_SKIP() << "/usr/bin/python3 has no prometheus_client";
    }
    std::vector<std::string> theirs;
    std::ifstream in(folder / "out");
    for (std::string line; std::getline(in, line);) {
      const size_t value = line.rfind(' ');
      theirs.push_back(line.substr(0, value + 1) +
                       FormatGoE(*ParseGoFloat(line.substr(value + 1))));
    }
    std::vector<std::string> ours;
    const std::string page = ReadAll(path);
    ExpositionParser parser(page, ExpositionFormat::kPrometheusText);
    for (auto event = parser.Next(); event != ExpositionEvent::kEnd; event = parser.Next()) {
      ASSERT_NE(event, ExpositionEvent::kError) << parser.error().message;
      if (event == ExpositionEvent::kSample) {
        ours.push_back(AsPythonPrints(*parser.ReadLabels(), parser.value()));
      }
    }
    std::sort(theirs.begin(), theirs.end());
    std::sort(ours.begin(), ours.end());
    ASSERT_EQ(ours.size(), theirs.size());
    for (size_t i = 0; i < ours.size(); ++i) EXPECT_EQ(ours[i], theirs[i]);
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace tocsin
