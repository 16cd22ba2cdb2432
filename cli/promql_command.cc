// tocsin promql: what an expression is, without a server.
#include <algorithm>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/features.h"
#include "cli/findings_report.h"
#include "engine/promql/matcher_edit.h"
#include "engine/promql/parser.h"

namespace tocsin::cli {
namespace {

using promql::ParserOptions;

constexpr FlagSpec kParseFlags[] = {
    {.name = "--json", .help = "Print the tree as /api/v1/parse_query gives it."},
    kEnableFeatureFlag,
    kReportFormatFlag,
};
constexpr FlagSpec kFormatFlags[] = {kEnableFeatureFlag, kReportFormatFlag};
constexpr FlagSpec kSetFlags[] = {
    {.name = "--label-match-type",
     .value = "OP",
     .fallback = "=",
     .help = "One of =, !=, =~, !~.",
     .short_name = "-t"},
    kEnableFeatureFlag,
    kReportFormatFlag,
};

// A parse error, "1:7: parse error: …", at its place in the expression.
Finding FindingOf(const Error& error) {
  Finding finding = FindingsOf(InvalidArgument(":" + error.message), "", "promql/syntax").front();
  finding.message = error.message;
  return finding;
}

// Prints what `print` makes of the command line, or why there is nothing.
template <typename Print>
int PrintResult(std::string_view command, const Arguments& arguments, CommandContext& context,
                Print print) {
  Result<FindingsReport> report = OpenReport(command, arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<promql::EngineOptions> options = ParseFeatures(arguments.All("--enable-feature"));
  if (!options.ok()) {
    context.err("tocsin " + std::string(command) + ": " + options.error().message + "\n");
    return kExitUsage;
  }
  const Result<std::string> text = print(options->parser, *report);
  if (!text.ok()) {
    report->AddAs(FindingOf(text.error()), text.error().message + "\n");
    return report->Finish();
  }
  report->Say(*text + "\n");
  report->AddMember("expr", JsonWriter().String(*text).Take());
  return report->Finish();
}

int RunParse(const Arguments& arguments, CommandContext& context) {
  return PrintResult(
      "promql parse", arguments, context,
      [&](const ParserOptions& options, FindingsReport& report) -> Result<std::string> {
        ASSIGN_OR_RETURN(const auto query, promql::ParseQuery(arguments.positional()[0], options));
        const std::string tree = promql::ToJson(query->root());
        report.AddMember("tree", tree);
        return arguments.Switch("--json") ? tree : promql::Print(query->root());
      });
}

int RunFormat(const Arguments& arguments, CommandContext& context) {
  return PrintResult("promql format", arguments, context,
                     [&](const ParserOptions& options, FindingsReport&) -> Result<std::string> {
                       ASSIGN_OR_RETURN(const auto query,
                                        promql::ParseQuery(arguments.positional()[0], options));
                       return promql::PrettyPrint(query->root());
                     });
}

Result<Matcher> MatcherOf(const Arguments& arguments) {
  constexpr MatchOp kOps[] = {MatchOp::kEqual, MatchOp::kNotEqual, MatchOp::kRegex,
                              MatchOp::kNotRegex};
  const std::string& op = arguments.Text("--label-match-type");
  const auto* const found = std::ranges::find(kOps, op, MatchOpText);
  if (found == std::end(kOps)) return InvalidArgument("invalid label match type: " + op);
  return Matcher::Make(*found, arguments.positional()[1], arguments.positional()[2]);
}

int RunMatchersSet(const Arguments& arguments, CommandContext& context) {
  return PrintResult("promql matchers set", arguments, context,
                     [&](const ParserOptions& options, FindingsReport&) -> Result<std::string> {
                       ASSIGN_OR_RETURN(Matcher matcher, MatcherOf(arguments));
                       return promql::PrettyPrintEdited(arguments.positional()[0], options,
                                                        promql::SettingMatcher(std::move(matcher)));
                     });
}

int RunMatchersDelete(const Arguments& arguments, CommandContext& context) {
  return PrintResult("promql matchers delete", arguments, context,
                     [&](const ParserOptions& options, FindingsReport&) {
                       return promql::PrettyPrintEdited(
                           arguments.positional()[0], options,
                           promql::DeletingMatchers(arguments.positional()[1]));
                     });
}

}  // namespace

const CommandSpec kPromqlParseCommand = {
    .name = "promql parse",
    .summary = "Check an expression, and print it in one line or as a tree.",
    .positional = "EXPR",
    .flags = kParseFlags,
    .examples =
        "tocsin promql parse 'sum(rate(http_requests_total[5m])) by (job)'\n"
        "tocsin promql parse --json -- '-up'\n"
        "tocsin promql parse --format=json 'sum(up'\n"
        "tocsin promql parse --enable-feature=promql-experimental-functions "
        "'mad_over_time(up[5m])'",
    .run = &RunParse,
};

const CommandSpec kPromqlFormatCommand = {
    .name = "promql format",
    .summary = "Print an expression well laid out, like /api/v1/format_query.",
    .positional = "EXPR",
    .flags = kFormatFlags,
    .examples = "tocsin promql format 'sum(rate(http_requests_total{job=\"api\"}[5m])) by (job)'",
    .run = &RunFormat,
};

const CommandSpec kPromqlMatchersSetCommand = {
    .name = "promql matchers set",
    .summary = "Print an expression with a label matcher set on each of its selectors.",
    .positional = "EXPR LABEL VALUE",
    .flags = kSetFlags,
    .examples =
        "tocsin promql matchers set 'rate(errors_total[5m])' env prod\n"
        "tocsin promql matchers set -t '=~' 'up == 0' job 'api|web'",
    .run = &RunMatchersSet,
};

const CommandSpec kPromqlMatchersDeleteCommand = {
    .name = "promql matchers delete",
    .summary = "Print an expression without the matchers of a label.",
    .positional = "EXPR LABEL",
    .flags = kFormatFlags,
    .examples = "tocsin promql matchers delete 'rate(errors_total{env=\"prod\"}[5m])' env",
    .run = &RunMatchersDelete,
};

}  // namespace tocsin::cli
