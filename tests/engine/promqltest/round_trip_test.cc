// What is printed gives the same tree again: for every expression of the scripts, Prometheus' where
// they are at hand, and for random ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/json.h"
#include "engine/promql/parser.h"
#include "engine/promqltest/script.h"
#include "engine/promqltest/script_runner.h"
#include "tests/support/random_promql.h"
#include "tests/support/shared_files.h"

namespace tocsin::promqltest {
namespace {

// A tree as text in which the matchers of a selector have an order: printing sorts them.
std::string Ordered(const JsonValue& value, bool sorted = false) {
  std::vector<std::string> parts;
  if (const JsonValue::Array* array = value.AsArray()) {
    for (const JsonValue& element : *array) parts.push_back(Ordered(element));
  } else if (const JsonValue::Object* object = value.AsObject()) {
    for (const auto& [name, member] : *object) {
      parts.push_back(name + ":" + Ordered(member, name == "matchers"));
    }
  } else if (const double* number = value.AsNumber()) {
    return std::to_string(*number);
  } else if (const bool* flag = value.AsBool()) {
    return *flag ? "true" : "false";
  } else {
    return "'" + std::string(value.TextOrEmpty()) + "'";
  }
  if (sorted) std::ranges::sort(parts);
  std::string text = "[";
  for (const std::string& part : parts) text += part + " ";
  return text + "]";
}

std::string TreeOf(const promql::Expr& expr) {
  return Ordered(*JsonValue::Parse(promql::ToJson(expr)));
}

void CheckRoundTrip(const std::string& expression) {
  SCOPED_TRACE(expression);
  const promql::ParserOptions options = ScriptEngineOptions().parser;
  const auto query = promql::ParseQuery(expression, options);
  ASSERT_TRUE(query.ok()) << query.error().message;
  const std::string tree = TreeOf((*query)->root());
  const std::string line = promql::Print((*query)->root());
  for (const std::string& printed : {line, promql::PrettyPrint((*query)->root())}) {
    const auto again = promql::ParseQuery(printed, options);
    ASSERT_TRUE(again.ok()) << printed << ": " << again.error().message;
    EXPECT_EQ(TreeOf((*again)->root()), tree) << printed;
    EXPECT_EQ(promql::Print((*again)->root()), line);
  }
}

size_t CheckScripts(const std::filesystem::path& folder) {
  size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".test") continue;
    const auto commands = ParseScript(testing_support::ReadAll(entry.path()));
    EXPECT_TRUE(commands.ok()) << entry.path();
    for (const ScriptCommand& command : *commands) {
      if (command.kind != ScriptCommand::Kind::kEval) continue;
      CheckRoundTrip(command.eval.query);
      ++seen;
    }
  }
  return seen;
}

TEST(RoundTripTest, OwnScripts) {
  EXPECT_GT(CheckScripts(testing_support::SourceFolder() / "tests/data/promql"), 900U);
}

TEST(RoundTripTest, PrometheusScripts) {
  const auto folder = testing_support::FindShared("promqltest");
  if (!folder) GTEST_SKIP() << "shared/promqltest is not at hand";
  EXPECT_EQ(CheckScripts(*folder), 1332U);
}

TEST(RoundTripTest, RandomExpressions) {
  testing_support::RandomSource random(20261125);
  for (int i = 0; i < 2000; ++i) CheckRoundTrip(testing_support::RandomExpression(random, {}));
}

}  // namespace
}  // namespace tocsin::promqltest
