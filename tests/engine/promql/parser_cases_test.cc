// The parser against the cases of Prometheus' own parser tests, when they are at hand.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "engine/promql/parser.h"
#include "tests/support/shared_files.h"

namespace tocsin::promql {
namespace {

// "" + repeat("x", 3): the language in which the file describes its longest text.
std::string EvaluateText(std::string_view description) {
  std::string out;
  while (!description.empty()) {
    const bool repeated = description.starts_with("repeat(");
    const size_t open = description.find('"');
    const size_t close = description.find('"', open + 1);
    const std::string part(description.substr(open + 1, close - open - 1));
    description.remove_prefix(close + 1);
    size_t times = 1;
    if (repeated) {
      const size_t end = description.find(')');
      times = std::stoul(std::string(description.substr(2, end - 2)));
      description.remove_prefix(end + 1);
    }
    for (size_t i = 0; i < times; ++i) out += part;
    description.remove_prefix(std::min(description.size(), std::string_view(" + ").size()));
  }
  return out;
}

std::string InputOf(const JsonValue& row) {
  if (const JsonValue* input = row.Find("input"); input != nullptr && input->AsString()) {
    return *input->AsString();
  }
  if (const JsonValue* expr = row.Find("input_expr")) return EvaluateText(expr->TextOrEmpty());
  std::string out;
  const std::string_view hex = row.Find("input_hex")->TextOrEmpty();
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

ParserOptions OptionsOf(const JsonValue& row) {
  ParserOptions options{.duration_expressions = false};
  for (const JsonValue& name : *row.Find("options")->AsArray()) {
    options.experimental_functions |= name.TextOrEmpty() == "experimental_functions";
    options.duration_expressions |= name.TextOrEmpty() == "duration_expressions";
    options.extended_range_selectors |= name.TextOrEmpty() == "extended_range_selectors";
    options.binop_fill_modifiers |= name.TextOrEmpty() == "binop_fill_modifiers";
  }
  return options;
}

std::string_view KindOf(const Expr& expr) {
  constexpr std::string_view kNames[] = {
      "NumberLiteral", "StringLiteral", "VectorSelector", "MatrixSelector", "SubqueryExpr",
      "Call",          "AggregateExpr", "BinaryExpr",     "UnaryExpr",      "ParenExpr"};
  return kNames[expr.node.index()];
}

class ParserCasesTest : public ::testing::Test {
 protected:
  // Calls check(row, input) for every row of a kind, of which the file has so many.
  template <typename Check>
  void ForEach(std::string_view kind, int count, Check check) {
    const auto path = testing_support::FindShared("promqltest/parser_cases.json");
    if (!path) GTEST_SKIP() << "shared/promqltest is not here";
    const auto rows = JsonValue::Parse(testing_support::ReadAll(*path));
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    int seen = 0;
    for (const JsonValue& row : *rows->AsArray()) {
      if (row.Find("kind")->TextOrEmpty() != kind) continue;
      ++seen;
      const std::string input = InputOf(row);
      SCOPED_TRACE(input.substr(0, 200));
      check(row, input);
    }
    EXPECT_EQ(seen, count);
    RecordProperty("cases", seen);
  }
};

void CheckErrors(const JsonValue& row, const std::string& input, const ParserOptions& options) {
  const auto errors = FindParseErrors(input, options);
  const JsonValue::Array& wanted = *row.Find("errors")->AsArray();
  if (row.Find("note") == nullptr) {
    ASSERT_EQ(errors.size(), wanted.size());
  }
  for (size_t i = 0; i < std::min(errors.size(), wanted.size()); ++i) {
    EXPECT_EQ(errors[i].message, wanted[i].Find("message")->TextOrEmpty());
    EXPECT_EQ(errors[i].position.begin, *wanted[i].Find("start")->AsNumber());
    EXPECT_EQ(errors[i].position.end, *wanted[i].Find("end")->AsNumber());
  }
}

TEST_F(ParserCasesTest, ExpressionsParseOrFailAsInPrometheus) {
  ForEach("expr", 216, [](const JsonValue& row, const std::string& input) {
    const ParserOptions options = OptionsOf(row);
    const auto query = ParseQuery(input, options);
    ASSERT_EQ(!query.ok(), *row.Find("should_fail")->AsBool())
        << (query.ok() ? "" : query.error().message);
    if (!query.ok()) {
      EXPECT_EQ(query.error().message, row.Find("error")->TextOrEmpty());
      CheckErrors(row, input, options);
    } else if (const JsonValue* node = row.Find("node")) {
      EXPECT_EQ(KindOf((*query)->root()), node->TextOrEmpty());
    }
  });
}

TEST_F(ParserCasesTest, PrintingIsCanonicalAndParsesBack) {
  ForEach("print", 52, [](const JsonValue& row, const std::string& input) {
    const ParserOptions options = OptionsOf(row);
    const auto query = ParseQuery(input, options);
    ASSERT_TRUE(query.ok()) << query.error().message;
    EXPECT_EQ(Print((*query)->root()), row.Find("printed")->TextOrEmpty());
    const auto again = ParseQuery(Print((*query)->root()), options);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(ToJson((*again)->root()), ToJson((*query)->root()));
  });
}

}  // namespace
}  // namespace tocsin::promql
