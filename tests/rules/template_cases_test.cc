// tests/data/templates/prometheus.txt: what templates give in Prometheus.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/promql/quote.h"
#include "tests/rules/rules_fixture.h"
#include "tests/support/shared_files.h"

namespace tocsin {
namespace {

struct Case {
  std::string text;
  std::string result;
};

std::string Unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else {
      ++i;
      out += text[i] == 'n' ? '\n' : text[i];
    }
  }
  return out;
}

std::vector<Case> Cases() {
  const std::string file = testing_support::ReadAll(testing_support::SourceFolder() /
                                                    "tests/data/templates/prometheus.txt");
  std::vector<Case> cases;
  std::string_view rest = file;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    constexpr std::string_view kResult = "=> ";
    if (line.starts_with('#') || line.empty()) continue;
    if (line.starts_with("=>")) {
      cases.back().result = Unescaped(line.substr(std::min(kResult.size(), line.size())));
    } else {
      cases.push_back({.text = std::string(line), .result = ""});
    }
  }
  return cases;
}

// Since Prometheus 3 a value may be a histogram.
std::string InVersion3(std::string text) {
  constexpr std::string_view kOld = "ExternalURL string; Value float64 }";
  const size_t at = text.find(kOld);
  if (at != std::string::npos) {
    text.replace(at, kOld.size(), "ExternalURL string; Value interface {} }");
  }
  return text;
}

class TemplateCasesTest : public testing_support::RulesFixture {};

TEST_F(TemplateCasesTest, GiveWhatTheyGiveInPrometheus) {
  const std::vector<Case> cases = Cases();
  ASSERT_GT(cases.size(), 100u);
  options_.external_url = "";
  config_.global.external_labels = {{"cluster", "c1"}};
  Set({{"__name__", "m"}, {"foo", "x"}, {"i", "2"}}, 1.5);
  for (const char* job : {"a", "b"}) Set({{"__name__", "up"}, {"job", job}}, 7);
  Set({{"__name__", "n"}, {"k", "1"}}, 3);
  Set({{"__name__", "n"}, {"k", "2"}}, 4);
  std::string rules =
      "  - name: g\n    rules:\n      - alert: A\n        expr: m\n        annotations:\n";
  for (size_t i = 0; i < cases.size(); ++i) {
    rules += "          a" + std::to_string(i) + ": " + promql::Quote(cases[i].text) + "\n";
  }
  StartWith(rules);
  Advance(std::chrono::seconds(75));
  const LabelSet annotations = Rule().alerts.at(0).annotations;
  for (size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(annotations.Get("a" + std::to_string(i)), InVersion3(cases[i].result))
        << cases[i].text;
  }
}

}  // namespace
}  // namespace tocsin
