// The functions of functions_math.cc, functions_calendar.cc and functions_labels.cc, kernel by
// kernel.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/go_float.h"
#include "engine/promql/function_table.h"
#include "engine/promql/parser.h"

namespace tocsin::promql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// One element of an instant vector.
struct Element {
  LabelSet labels;
  double value;
};

// Calls the function of an expression such as "clamp(m, 0, 1)": `vector` stands for its vector
// argument, numbers for themselves.
class KernelTest : public testing::Test {
 protected:
  Result<Block> Call(const std::string& text, const std::vector<Element>& vector = {},
                     Steps steps = {}, bool range_query = false) {
    Result<std::shared_ptr<const ParsedQuery>> query =
        ParseQuery(text, {.experimental_functions = true});
    if (!query.ok()) return query.error();
    query_ = *query;
    const promql::Call& call = *query_->root().As<promql::Call>();
    std::vector<Block> args;
    for (const Expr* expr : call.args) {
      if (const NumberLiteral* number = expr->As<NumberLiteral>()) {
        args.emplace_back(steps.count);
        args.back().AddSeries(Labels());
        for (size_t i = 0; i < steps.count; ++i) args.back().Set(0, i, number->value);
      } else if (expr->As<StringLiteral>() != nullptr) {
        args.emplace_back(steps.count);
      } else {
        args.push_back(VectorBlock(vector, steps));
      }
    }
    const CallContext context = {.call = call,
                                 .position = {},
                                 .arg_positions = {},
                                 .steps = steps,
                                 .query_steps = steps,
                                 .query_end_ms = steps.end_ms(),
                                 .range_query = range_query,
                                 .lookback_ms = 300'000,
                                 .symbols = symbols_,
                                 .metric_name = symbols_.Intern(kMetricName),
                                 .annotations = annotations_,
                                 .delayed_name_removal = false,
                                 .use_start_timestamps = false,
                                 .type_and_unit_labels = false};
    return call.function->vector(context, std::move(args));
  }

  Block VectorBlock(const std::vector<Element>& vector, Steps steps) {
    Block block(steps.count);
    for (const Element& element : vector) {
      const size_t row = block.AddSeries(Labels::Intern(element.labels, symbols_));
      for (size_t i = 0; i < steps.count; ++i) block.Set(row, i, element.value);
    }
    return block;
  }

  // "a=1 b=2": the series of step 0 in order, by their label i, with values.
  std::string Shown(const Result<Block>& block) {
    if (!block.ok()) return "error: " + block.error().message;
    std::string text;
    for (size_t row = 0; row < block->series(); ++row) {
      if (!block->Has(row, 0)) continue;
      const LabelSet labels = block->labels(row).ToLabelSet(symbols_);
      text += (text.empty() ? "" : " ") + std::string(labels.Get("i")) + "=" +
              FormatGoV(block->Value(row, 0));
    }
    return text;
  }

  SymbolTable symbols_;
  Annotations annotations_;
  std::shared_ptr<const ParsedQuery> query_;
};

LabelSet Named(const std::string& i) { return LabelSet({{"i", i}}); }

TEST_F(KernelTest, Numbers) {
  const std::vector<Element> vector = {{Named("a"), -1.5}, {Named("b"), 2.5}, {Named("c"), kNan}};
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"round(m)", "a=-1 b=3 c=NaN"},
      {"round(m, 2)", "a=-2 b=2 c=NaN"},
      {"round(m, 0.1)", "a=-1.5 b=2.5 c=NaN"},
      {"round(m, 0)", "a=NaN b=NaN c=NaN"},
      {"clamp(m, 0, 1)", "a=0 b=1 c=NaN"},
      {"clamp(m, 1, 0)", ""},
      {"clamp(m, NaN, 1)", "a=NaN b=NaN c=NaN"},
      {"clamp_min(m, 0)", "a=0 b=2.5 c=NaN"},
      {"clamp_max(m, 0)", "a=-1.5 b=0 c=NaN"},
      {"clamp_max(m, -Inf)", "a=-Inf b=-Inf c=-Inf"},
      {"scalar(m)", "=NaN"},
      {"vector(3)", "=3"},
      {"pi()", "=3.141592653589793"},
      {"max_of(1, 2)", "=2"},
      {"max_of(NaN, 2)", "=NaN"},
      {"min_of(1, 2)", "=1"},
  };
  for (const Case& c : cases) EXPECT_EQ(Shown(Call(c.text, vector)), c.want) << c.text;
  EXPECT_EQ(Shown(Call("scalar(m)", {{Named("a"), 7}})), "=7");
  EXPECT_EQ(Shown(Call("scalar(m)")), "=NaN");
}

TEST_F(KernelTest, TimesOfTheQuery) {
  const Steps steps = {.start_ms = 60'000, .step_ms = 15'500, .count = 3};
  struct Case {
    const char* text;
    std::vector<double> want;
  };
  const Case cases[] = {
      {"time()", {60, 75.5, 91}}, {"start()", {60, 60, 60}},      {"end()", {91, 91, 91}},
      {"range()", {31, 31, 31}},  {"step()", {15.5, 15.5, 15.5}},
  };
  for (const Case& c : cases) {
    const Result<Block> block = Call(c.text, {}, steps, true);
    ASSERT_TRUE(block.ok()) << c.text;
    for (size_t i = 0; i < steps.count; ++i) EXPECT_EQ(block->Value(0, i), c.want[i]) << c.text;
  }
  EXPECT_EQ(Shown(Call("step()", {}, {.start_ms = 5, .step_ms = 7, .count = 1})), "=0");
}

TEST_F(KernelTest, CalendarInUtc) {
  struct Case {
    double seconds;
    // year month day_of_month day_of_week day_of_year days_in_month hour minute
    std::vector<double> want;
  };
  const Case cases[] = {
      {0, {1970, 1, 1, 4, 1, 31, 0, 0}},
      {-1, {1969, 12, 31, 3, 365, 31, 23, 59}},
      {-0.5, {1970, 1, 1, 4, 1, 31, 0, 0}},
      {951'782'400, {2000, 2, 29, 2, 60, 29, 0, 0}},
      {1'709'251'199.9, {2024, 2, 29, 4, 60, 29, 23, 59}},
      {4'107'542'399, {2100, 2, 28, 0, 59, 28, 23, 59}},
      {1'136'239'445, {2006, 1, 2, 1, 2, 31, 22, 4}},
      {-62'135'596'800, {1, 1, 1, 1, 1, 31, 0, 0}},
      {253'402'300'799, {9999, 12, 31, 5, 365, 31, 23, 59}},
  };
  const char* functions[] = {"year",        "month",         "day_of_month", "day_of_week",
                             "day_of_year", "days_in_month", "hour",         "minute"};
  for (const Case& c : cases) {
    for (size_t i = 0; i < std::size(functions); ++i) {
      const std::string name = functions[i];
      const Result<Block> block = Call(name + "(m)", {{Named("a"), c.seconds}});
      ASSERT_TRUE(block.ok());
      EXPECT_EQ(block->Value(0, 0), c.want[i]) << name << " of " << c.seconds;
      const Result<Block> now =
          Call(name + "()", {}, {.start_ms = static_cast<int64_t>(std::floor(c.seconds * 1000))});
      ASSERT_TRUE(now.ok());
      EXPECT_EQ(now->Value(0, 0), c.want[i]) << name << " at " << c.seconds;
    }
  }
}

TEST_F(KernelTest, LabelReplaceAndJoin) {
  struct Case {
    std::string text;
    std::string want;  // the label i
  };
  const Case cases[] = {
      {R"q(label_replace(m, "i", "$1-$2", "host", "(.*):(\\d+)"))q", "db-5432=1"},
      {R"q(label_replace(m, "i", "${1}x", "host", "(.*):.*"))q", "dbx=1"},
      {R"q(label_replace(m, "i", "x", "host", "db"))q", "old=1"},
      {R"q(label_replace(m, "i", "$1", "missing", "(.*)"))q", "=1"},
      {R"q(label_replace(m, "i", "x", "host", "("))q",
       "error: invalid regular expression in label_replace(): ("},
      {R"q(label_replace(m, "", "x", "host", ".*"))q",
       "error: invalid destination label name in label_replace(): "},
      {R"q(label_join(m, "i", "-", "host", "missing", "zone"))q", "db:5432--eu=1"},
      {R"q(label_join(m, "i", "-"))q", "=1"},
      {R"q(label_join(m, "", "-", "host"))q",
       "error: invalid destination label name in label_join(): "},
      {R"q(label_join(m, "i", "-", ""))q", "error: invalid source label name in label_join(): "},
  };
  const Element element = {
      LabelSet({{"__name__", "m"}, {"host", "db:5432"}, {"i", "old"}, {"zone", "eu"}}), 1};
  for (const Case& c : cases) EXPECT_EQ(Shown(Call(c.text, {element})), c.want) << c.text;
}

TEST_F(KernelTest, Sorting) {
  const std::vector<Element> vector = {
      {Named("n10"), 2}, {Named("n9"), kNan}, {Named("n1"), -kInf}, {Named("n"), 3}};
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"sort(m)", "n1=-Inf n10=2 n=3 n9=NaN"},
      {"sort_desc(m)", "n=3 n10=2 n1=-Inf n9=NaN"},
      {R"(sort_by_label(m, "i"))", "n=3 n1=-Inf n9=NaN n10=2"},
      {R"(sort_by_label_desc(m, "i"))", "n10=2 n9=NaN n1=-Inf n=3"},
      {R"(sort_by_label(m, "missing"))", "n=3 n1=-Inf n10=2 n9=NaN"},
  };
  for (const Case& c : cases) EXPECT_EQ(Shown(Call(c.text, vector)), c.want) << c.text;
  // A range query has no order.
  EXPECT_EQ(Shown(Call("sort(m)", vector, {.step_ms = 1, .count = 2}, true)),
            "n10=2 n9=NaN n1=-Inf n=3");
}

TEST(SampleKernelTest, Values) {
  struct Case {
    const char* name;
    double in;
    double want;
  };
  const Case cases[] = {
      {"abs", -2, 2},
      {"ceil", 1.2, 2},
      {"floor", -1.2, -2},
      {"sgn", -3, -1},
      {"sgn", 0, 0},
      {"sgn", 0.1, 1},
      {"exp", 0, 1},
      {"exp", kInf, kInf},
      {"ln", 0, -kInf},
      {"log2", 8, 3},
      {"log10", 1000, 3},
      {"sqrt", 9, 3},
      {"deg", std::numbers::pi, 180},
      {"rad", 180, std::numbers::pi},
      {"sin", 0, 0},
      {"cos", 0, 1},
      {"tan", 0, 0},
      {"asin", 1, std::numbers::pi / 2},
      {"acos", 1, 0},
      {"atan", 1, std::numbers::pi / 4},
      {"sinh", 0, 0},
      {"cosh", 0, 1},
      {"tanh", kInf, 1},
      {"asinh", 0, 0},
      {"acosh", 1, 0},
      {"atanh", 1, kInf},
  };
  for (const Case& c : cases) {
    const FunctionSpec* function = FindFunction(c.name);
    ASSERT_NE(function, nullptr) << c.name;
    EXPECT_DOUBLE_EQ(function->sample(c.in), c.want) << c.name << " of " << c.in;
  }
  for (const char* name : {"ln", "log2", "log10", "sqrt", "acosh"}) {
    EXPECT_TRUE(std::isnan(FindFunction(name)->sample(-1))) << name;
  }
  EXPECT_TRUE(std::isnan(FindFunction("sgn")->sample(kNan)));
}

}  // namespace
}  // namespace tocsin::promql
