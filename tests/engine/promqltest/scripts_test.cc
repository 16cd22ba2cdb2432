// Test scripts of PromQL: the project's own, and Prometheus' where they are at hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "engine/promqltest/script_runner.h"
#include "tests/support/shared_files.h"

namespace tocsin::promqltest {
namespace {

using testing_support::ReadAll;

std::vector<std::filesystem::path> Scripts(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> scripts;
  if (!std::filesystem::exists(folder)) return scripts;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".test") scripts.push_back(entry.path());
  }
  std::ranges::sort(scripts);
  return scripts;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// How many evals a script has, counted without the parser: none may be lost.
size_t CountEvals(const std::string& script) {
  std::istringstream lines(script);
  size_t evals = 0;
  for (std::string line; std::getline(lines, line);) evals += line.starts_with("eval") ? 1 : 0;
  return evals;
}

class OwnScripts : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(OwnScripts, Pass) {
  const std::string script = ReadAll(GetParam());
  const ScriptReport report =
      RunScript(GetParam().filename().string(), script, ScriptEngineOptions());
  EXPECT_GT(report.passed, 0U);
  EXPECT_EQ(report.passed + report.failed, CountEvals(script));
  EXPECT_EQ(report.failed, 0U) << Joined(report.failures);
}

std::string NameOf(const testing::TestParamInfo<std::filesystem::path>& script) {
  std::string name = script.param.stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Data, OwnScripts,
                         testing::ValuesIn(Scripts(testing_support::SourceFolder() /
                                                   "tests/data/promql")),
                         NameOf);

// How many evals each of Prometheus' files has: none may be lost.
const std::map<std::string, size_t> kEvals = {
    {"aggregators", 96},
    {"at_modifier", 47},
    {"collision", 1},
    {"duration_expression", 35},
    {"extended_vectors", 101},
    {"fill-modifier", 28},
    {"functions", 259},
    {"histograms", 111},
    {"info", 32},
    {"limit", 23},
    {"literals", 15},
    {"name_label_dropping", 21},
    {"native_histograms", 313},
    {"operators", 128},
    {"range_queries", 11},
    {"selectors", 19},
    {"staleness", 10},
    {"start_timestamps", 16},
    {"subquery", 20},
    {"trig_functions", 11},
    {"type_and_unit", 35},
};

class PrometheusScripts : public testing::TestWithParam<std::string> {};

TEST_P(PrometheusScripts, Pass) {
  const std::string file = GetParam() + ".test";
  const auto path = testing_support::FindShared("promqltest/" + file);
  if (!path) GTEST_SKIP() << "Prometheus' " << file << " is not at hand";
  const ScriptReport report = RunScript(file, ReadAll(*path), ScriptEngineOptions());
  EXPECT_EQ(report.passed + report.failed, kEvals.at(GetParam()));
  EXPECT_EQ(report.failed, 0U) << Joined(report.failures);
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& [name, evals] : kEvals) names.push_back(name);
  return names;
}

std::string CorpusName(const testing::TestParamInfo<std::string>& script) {
  std::string name = script.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Corpus, PrometheusScripts, testing::ValuesIn(Names()), CorpusName);

// A script that must fail: the runner's own test.
struct Broken {
  const char* script;
  const char* failure;
};

class BrokenScripts : public testing::TestWithParam<Broken> {};

TEST_P(BrokenScripts, AreReported) {
  const ScriptReport report = RunScript("x.test", GetParam().script, ScriptEngineOptions());
  ASSERT_EQ(report.failures.size(), 1U) << Joined(report.failures);
  EXPECT_NE(report.failures[0].find(GetParam().failure), std::string::npos) << report.failures[0];
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BrokenScripts,
    testing::Values(
        Broken{"load 1m\n  a 1\n\neval instant at 0 a\n  a 2\n", "x.test:4: a: expected 2"},
        Broken{"load 1m\n  a 1\n\neval instant at 0 a\n", "unexpected a 1"},
        Broken{"eval instant at 0 a\n  a 1\n", "got nothing"},
        Broken{"load 1m\n  a 1 2\n\neval range from 0 to 1m step 1m a\n  a 1\n",
               "unexpected point"},
        Broken{"eval instant at 0 1\n  2\n", "expected 2"},
        Broken{"eval instant at 0 sum(\n", "cannot be parsed"},
        Broken{"eval instant at 0 1\n  expect fail\n", "expected an error"},
        Broken{"load 1m\n  a 1\n\neval instant at 0 a\n  expect warn\n  a 1\n", "expected warning"},
        Broken{"frobnicate\n", "x.test:1: unknown command"},
        Broken{"load 1m\n  a 1yx\n", "x.test:2: "},
        Broken{"load 1m\n  a 1\n\neval instant at 0 a\n  a 1 2\n", "has one value"},
        Broken{"eval instant at 0 a\n  a _\n", "has one value"},
        Broken{"load 1m\n  a 1\n\neval instant at 0 a\n  a 1\n  a 1\n", "stands here twice"},
        Broken{"eval instant at 0 1\n  expect fail\n  expect fail\n", "stands here twice"},
        Broken{"eval instant at 0 1\n  1\n  2\n", "a scalar ends its eval"},
        Broken{"eval instant at 0 1\n  a 1\n  2\n", "a scalar beside series"},
        Broken{"eval range from 0 to 1m step 1m a\n  expect ordered\n", "no order of its own"},
        Broken{"load 1m\n  a 1\n\neval instant at 0 sum(quantile(2, a))\n"
               "  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 "
               "(1:13)\n  {} +Inf\n",
               "(1:14)"},
        Broken{"load 1m\n  a 1\n  b 2\n\neval instant at 0 sort({__name__=~\"a|b\"})\n"
               "  expect ordered\n  b 2\n  a 1\n",
               "at position 1"}));

}  // namespace
}  // namespace tocsin::promqltest
