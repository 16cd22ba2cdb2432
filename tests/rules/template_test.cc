#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/go_float.h"
#include "rules/alert_template.h"
#include "rules/template/humanize.h"

namespace tocsin {
namespace {

using templates::AlertFields;
using templates::LabelMap;
using templates::List;
using templates::QuerySample;
using templates::SamplePointer;

// One alert {foo="x", i="2"} of a metric m with the value 1.5, and two samples for every query.
class TemplateTest : public ::testing::Test {
 protected:
  TemplateTest() {
    fields_.labels =
        std::make_shared<const LabelSet>(LabelSet{{"__name__", "m"}, {"foo", "x"}, {"i", "2"}});
    fields_.external_labels = std::make_shared<const LabelSet>(LabelSet{{"cluster", "c1"}});
    fields_.external_url = environment_.external_url = "http://example:9977/pre/fix";
    fields_.value = 1.5;
    environment_.now = FromMs(1'353'755'652'000);
    environment_.query = [](const std::string& text) -> Result<List> {
      if (text == "nothing") return std::make_shared<std::vector<templates::Value>>();
      if (text == "broken") return ExecutionError("no such thing");
      auto list = std::make_shared<std::vector<templates::Value>>();
      for (const char* name : {"b", "a"}) {
        QuerySample sample{{{"__name__", "up"}, {"job", name}, {"__value__", "s"}}, 7, ""};
        list->emplace_back(SamplePointer(std::make_shared<const QuerySample>(sample)));
      }
      return list;
    };
  }

  // The text, or the error behind "error: ".
  std::string Expand(std::string_view text) {
    const Result<AlertTemplate> parsed = AlertTemplate::Parse("A", text);
    if (!parsed.ok()) return "parse: " + parsed.error().message;
    const Result<std::string> expanded = parsed->Expand(fields_, environment_);
    return expanded.ok() ? *expanded : "error: " + expanded.error().message;
  }

  AlertFields fields_;
  templates::Environment environment_;
};

struct Case {
  std::string_view text;
  std::string_view expanded;
};

constexpr Case kLanguage[] = {
    {"plain }} text", "plain }} text"},
    {"{{ $labels.foo }} {{ .Labels.i }} {{ $externalLabels.cluster }}", "x 2 c1"},
    {"{{ $labels.missing }}|{{ $externalURL }}|{{ $value }}|{{ .Value }}",
     "|http://example:9977/pre/fix|1.5|1.5"},
    {"{{ $labels }}", "map[__name__:m foo:x i:2]"},
    {"a {{- 1 -}} b", "a1b"},
    {"a{{/* comment */}}b{{- /* c */ -}} d", "abd"},
    {"{{ if $labels.foo }}y{{ else }}n{{ end }}", "y"},
    {"{{ if 0 }}a{{ else if 0.0 }}b{{ else if \"t\" }}c{{ else }}d{{ end }}", "c"},
    {"{{ with $labels.none }}a{{ else with $labels.foo }}{{ . }}{{ end }}", "x"},
    {"{{ with $x := 3 }}{{ $x }}{{ . }}{{ end }}", "33"},
    {"{{ range $k, $v := $labels }}{{ $k }}={{ $v }},{{ end }}", "__name__=m,foo=x,i=2,"},
    {"{{ range query \"q\" }}{{ .Labels.job }}:{{ .Value }} {{ end }}", "b:7 a:7 "},
    {"{{ range $i, $s := query \"q\" }}{{ $i }}{{ end }}", "01"},
    {"{{ range query \"nothing\" }}x{{ else }}none{{ end }}", "none"},
    {"{{ range query \"q\" }}{{ if eq .Labels.job \"b\" }}{{ continue }}{{ end }}{{ .Labels.job "
     "}}{{ break }}{{ end }}",
     "a"},
    {"{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ $y }}{{ end }}{{ $x }}", "32"},
    {"{{ define \"t\" }}[{{ .arg0 }}-{{ .arg1 }}]{{ end }}{{ template \"t\" args \"a\" 1.5 }}",
     "[a-1.5]"},
    {"{{ block \"b\" .Value }}<{{ . }}>{{ end }}", "<1.5>"},
    {"{{ (query \"q\" | first).Value }} {{ (first (query \"q\")).Labels.job }}", "7 b"},
    {"{{ \"a\" | printf \"%s-%s\" \"b\" }}", "b-a"},
    {"{{ `raw \\n` }} {{ \"t\\tx\" }} {{ 'a' }} {{ 0x10 }} {{ 1e3 }} {{ true }} {{ 1_000 }}",
     "raw \\n t\tx 97 16 1000 true 1000"},
    {"{{ 1234567.0 }} {{ 100000.0 }} {{ 0.00001 }}", "1.234567e+06 100000 1e-05"},
    {"{{ and 1 0 2 }} {{ or 0 \"\" 3 }} {{ not 0 }}", "0 3 true"},
    {"{{ eq $value 1.5 }} {{ eq 1 2 3 1 }} {{ ne \"a\" \"b\" }} {{ lt 1 2 }} {{ ge 2.5 2.5 }}",
     "true true true true true"},
    {"{{ len \"abc\" }} {{ len $labels }} {{ index $labels \"foo\" }} {{ slice \"abcdef\" 1 3 }}",
     "3 3 x bc"},
    {"{{ print 1 \"x\" 2 3 }} {{ println \"a\" 1 }}", "1x2 3 a 1\n"},
    {"{{ printf \"%q %v %d %5.1f %x\" \"s\" 1.5 7 2.25 255 }}", "\"s\" 1.5 7   2.2 ff"},
    {"{{ printf \"%.2f%% %05d %-4s| %+d %s\" 12.345 42 \"ab\" 3 5 }}",
     "12.35% 00042 ab  | +3 %!s(int=5)"},
    {"{{ printf \"%d\" }} {{ printf \"a\" 1 }} {{ printf \"%v\" nil }}",
     "%!d(MISSING) a%!(EXTRA int=1) <nil>"},
    {"{{ html \"<a>\" }} {{ js \"a\\\"b\" }} {{ urlquery \"a b&c\" }}", "&lt;a&gt; a\\\"b a+b%26c"},
};

constexpr Case kFunctions[] = {
    {"{{ query \"q\" | sortByLabel \"job\" | first | label \"job\" }}", "a"},
    {"{{ query \"q\" | first | value }} {{ query \"q\" | first | strvalue }}", "7 s"},
    {"{{ title \"aa bb CC foo-bar it's\" }}", "Aa Bb CC Foo-Bar It's"},
    {"{{ toUpper \"straße\" }} {{ toLower \"ÄB\" }}", "STRAßE äb"},
    {"{{ match \"a+\" \"caat\" }} {{ reReplaceAll \"(a)(b)\" \"$2${1}\" \"ab ab\" }}",
     "true ba ba"},
    {"{{ stripPort \"web:80\" }} {{ stripPort \"[::1]:80\" }} {{ stripPort \"a:b:c\" }}",
     "web ::1 a:b:c"},
    {"{{ stripDomain \"web.example.com:80\" }} {{ stripDomain \"127.0.0.1:80\" }} {{ stripDomain "
     "\"a.b\" }}",
     "web:80 127.0.0.1:80 a"},
    {"{{ graphLink \"up > 0\" }}", "/graph?g0.expr=up+%3E+0&g0.tab=0"},
    {"{{ tableLink \"up\" }}", "/graph?g0.expr=up&g0.tab=1"},
    {"{{ externalURL }} {{ pathPrefix }}", "http://example:9977/pre/fix /pre/fix"},
    {"{{ safeHtml \"<b>\" }} {{ urlQueryEscape \"a b\" }}", "<b> a+b"},
    {"{{ now }} {{ now | toTime }}", "1.353755652e+09 2012-11-24 11:14:12 +0000 UTC"},
    {"{{ parseDuration \"1h30m\" }} {{ parseDuration \"-5m\" | humanizeDuration }}", "5400 -5m 0s"},
    {"{{ toDuration 1800 }} {{ (toDuration \"90\").Minutes }}", "30m0s 1.5"},
    {"{{ (toTime 0).Format \"Mon Jan 2 15:04:05 MST 2006\" }}", "Thu Jan 1 00:00:00 UTC 1970"},
    {"{{ (toTime 1643114203.5).Format \"2006-01-02T15:04:05.000Z07:00\" }} {{ (toTime 7).Unix }}",
     "2022-01-25T12:36:43.500Z 7"},
    {"{{ ((toTime 60).Add (toDuration 30)).Sub (toTime 0) }}", "1m30s"},
    {"{{ humanizeTimestamp 1643114203.5 }} {{ humanizeTimestamp \"NaN\" }}",
     "2022-01-25 12:36:43.5 +0000 UTC NaN"},
    {"{{ humanize \"1234567\" }} {{ humanize 1000 }} {{ humanize (toDuration 0.5) }}",
     "1.235M 1k 500m"},
    {"{{ .Value | humanizePercentage }} {{ humanizeDuration 0.1235 }}", "150% 123.5ms"},
};

constexpr Case kErrors[] = {
    {"{{ foo }}", "parse: template: __alert_A:1: function \"foo\" not defined"},
    {"{{ $x }}", "parse: template: __alert_A:1: undefined variable \"$x\""},
    {"a\n{{ if 1 }}", "parse: template: __alert_A:2: unexpected EOF"},
    {"{{ end }}", "parse: template: __alert_A:1: unexpected {{end}}"},
    {"{{ }}", "parse: template: __alert_A:1: missing value for command"},
    {"{{ \"a }}", "parse: template: __alert_A:1: unterminated quoted string"},
    {"{{ 1 | 2 }}", "parse: template: __alert_A:1: non executable command in pipeline stage 2"},
    {"{{ /* x */ }}", "parse: template: __alert_A:1: unexpected \"/\" in command"},
    {"{{ $value ", "parse: template: __alert_A:1: unclosed action"},
    {"{{ break }}", "parse: template: __alert_A:1: {{break}} outside {{range}}"},
    {"{{ .Nope }}",
     "error: error executing template __alert_A: template: __alert_A:1:115: executing "
     "\"__alert_A\" at <.Nope>: "
     "can't evaluate field Nope in type struct { Labels map[string]string; ExternalLabels "
     "map[string]string; "
     "ExternalURL string; Value interface {} }"},
    {"{{ query \"nothing\" | first }}",
     "error: error executing template __alert_A: template: __alert_A:1:133: executing "
     "\"__alert_A\" at <first>: "
     "error calling first: first() called on vector with no elements"},
    {"{{ humanize \"one\" }}",
     "error: error executing template __alert_A: template: __alert_A:1:115: executing "
     "\"__alert_A\" at <humanize \"one\">: "
     "error calling humanize: strconv.ParseFloat: parsing \"one\": invalid syntax"},
    {"{{ eq $value 1 }}",
     "error: error executing template __alert_A: template: __alert_A:1:115: executing "
     "\"__alert_A\" at <eq $value 1>: "
     "error calling eq: incompatible types for comparison"},
    {"{{ query \"broken\" }}",
     "error: error executing template __alert_A: template: __alert_A:1:115: executing "
     "\"__alert_A\" at <query \"broken\">: "
     "error calling query: no such thing"},
    {"{{ template \"no\" }}",
     "error: error executing template __alert_A: template: __alert_A:1:124: executing "
     "\"__alert_A\" at <{{template \"no\"}}>: "
     "template \"no\" not defined"},
};

TEST_F(TemplateTest, ExpandsTheLanguage) {
  for (const Case& c : kLanguage) EXPECT_EQ(Expand(c.text), c.expanded) << c.text;
}
TEST_F(TemplateTest, CallsTheFunctions) {
  for (const Case& c : kFunctions) EXPECT_EQ(Expand(c.text), c.expanded) << c.text;
}
TEST_F(TemplateTest, FailsWithTheMessagesOfGo) {
  for (const Case& c : kErrors) EXPECT_EQ(Expand(c.text), c.expanded) << c.text;
}
TEST_F(TemplateTest, FunctionTablesAreSorted) {
  for (const auto rows : {templates::GoFunctions(), templates::PrometheusFunctions()}) {
    EXPECT_TRUE(std::ranges::is_sorted(rows, {}, &templates::FunctionRow::name));
  }
}
TEST_F(TemplateTest, EndlessTemplatesEnd) {
  EXPECT_NE(Expand("{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}")
                .find("exceeded maximum template depth"),
            std::string::npos);
  EXPECT_NE(Expand("{{ range 100000000 }}x{{ end }}").find("error: "), std::string::npos);
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "{{if 1}}";
  EXPECT_NE(Expand(deep).find("nested deeper"), std::string::npos);
}

// What the functions of Prometheus 2.42 print for the same numbers.
struct Number {
  double x;
  std::string_view value, humanize, humanize1024, duration, percentage;
};
constexpr Number kNumbers[] = {
    {1, "1", "1", "1", "1s", "100%"},
    {1234567, "1.234567e+06", "1.235M", "1.177Mi", "14d 6h 56m 7s", "1.235e+08%"},
    {0.000012345, "1.2345e-05", "12.35u", "1.234e-05", "12.35us", "0.001234%"},
    {100000, "100000", "100k", "97.66ki", "1d 3h 46m 40s", "1e+07%"},
    {-3.14159265358979, "-3.14159265358979", "-3.142", "-3.142", "-3.142s", "-314.2%"},
    {0, "0", "0", "0", "0s", "0%"},
    {std::numeric_limits<double>::infinity(), "+Inf", "+Inf", "+Inf", "+Inf", "+Inf%"},
};

TEST(HumanizeTest, PrintsAsPrometheus) {
  for (const Number& n : kNumbers) {
    EXPECT_EQ(FormatGoV(n.x), n.value);
    EXPECT_EQ(templates::Humanize(n.x), n.humanize);
    EXPECT_EQ(templates::Humanize1024(n.x), n.humanize1024);
    EXPECT_EQ(templates::HumanizeDuration(n.x), n.duration);
    EXPECT_EQ(templates::HumanizePercentage(n.x), n.percentage);
  }
}

}  // namespace
}  // namespace tocsin
