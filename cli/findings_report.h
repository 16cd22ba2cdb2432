// How commands show what their checks have found: `--format text|json|sarif|github`.
//
//   text    rules.yml:12:9: error: unknown field "fro"; did you mean "for"? (rules/syntax)
//   json    {"findings":[…],"summary":{"errors":1,"warnings":0,"notes":0}, …}
//   sarif   SARIF 2.1.0 (OASIS), as code hosts and editors read it
//   github  ::error file=rules.yml,line=12,col=9::…, GitHub's workflow commands
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/finding.h"
#include "base/result.h"
#include "cli/command.h"

namespace tocsin::cli {

enum class ReportFormat { kText, kJson, kSarif, kGithub };

constexpr FlagSpec kReportFormatFlag = {.name = "--format",
                                        .value = "text|json|sarif|github",
                                        .fallback = "text",
                                        .help = "How the findings are printed."};
constexpr FlagSpec kLintFatalFlag = {.name = "--lint-fatal",
                                     .help = "Exit with code 3 when there are only warnings."};

Result<ReportFormat> ParseReportFormat(std::string_view text);

// Each as one text; findings in the given order.
std::string RenderText(const Finding& finding, bool colors);
std::string RenderGithub(const Finding& finding);
std::string RenderSarif(const std::vector<Finding>& findings);

// Collects the findings of one command and prints them: text and github at once, json and sarif
// by Finish. Everything else that a command prints for people goes through Say, so that the other
// formats stay what programs can read.
//
// Not thread-safe.
class FindingsReport {
 public:
  FindingsReport(ReportFormat format, CommandContext& context)
      : format_(format), context_(context) {}

  ReportFormat format() const { return format_; }
  bool is_text() const { return format_ == ReportFormat::kText; }

  // Standard output, with --format=text only.
  void Say(std::string_view text);
  // Prints the finding in the format's own way …
  void Add(Finding finding);
  void Add(std::vector<Finding> findings);
  // … or, with --format=text, in the words of `text` on standard error: a peer's words.
  void AddAs(Finding finding, std::string_view text);

  // A member of the JSON answer beside the findings; `json` must be a JSON value.
  void AddMember(std::string name, std::string json);

  // Prints json and sarif. Returns the exit code: kExitNo when there is an error, kExitLint when
  // there is a warning and `lint_fatal`, else kExitOk.
  enum class Lint { kTolerated, kFatal };
  int Finish(Lint lint = Lint::kTolerated);

  size_t Count(Severity severity) const;
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  std::string RenderJson() const;

  const ReportFormat format_;
  CommandContext& context_;
  std::vector<Finding> findings_;
  std::vector<std::pair<std::string, std::string>> members_;
};

// Whether --lint-fatal is given.
FindingsReport::Lint LintOf(const Arguments& arguments);

// The report that the flag --format asks for; a wrong value is said on standard error and gives
// an Error, upon which the command ends with kExitUsage.
Result<FindingsReport> OpenReport(std::string_view command, const Arguments& arguments,
                                  CommandContext& context);

}  // namespace tocsin::cli
