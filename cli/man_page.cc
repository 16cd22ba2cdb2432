#include "cli/man_page.h"

#include <fmt/core.h>

#include <algorithm>

#include "cli/build_info.h"

namespace tocsin::cli {
namespace {

// Text that stands in a line: backslashes and hyphens are characters, and a dot or an apostrophe at
// its beginning is no request.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      if (out.empty() && (c == '.' || c == '\'')) out += "\\&";
      out += c;
    }
  }
  return out;
}

std::string Dashed(std::string_view name) {
  std::string dashed(name);
  std::ranges::replace(dashed, ' ', '-');
  return dashed;
}

std::string Header(std::string_view title) {
  std::string upper(title);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return fmt::format(".TH \"{}\" 1 \"\" \"tocsin {}\" \"tocsin\"\n", upper, BuildVersion());
}

std::string FlagEntry(const FlagSpec& flag) {
  std::string left;
  if (!flag.short_name.empty()) left = fmt::format("\\fB{}\\fR, ", Roff(flag.short_name));
  left += fmt::format("\\fB{}\\fR", Roff(flag.name));
  if (!flag.value.empty()) left += fmt::format("=\\fI{}\\fR", Roff(flag.value));
  std::string help = Roff(flag.help);
  if (flag.repeated) help += " Repeatable.";
  if (!flag.fallback.empty()) help += " Default: " + Roff(flag.fallback) + ".";
  return ".TP\n" + left + "\n" + help + "\n";
}

std::string Examples(std::string_view lines) {
  std::string text = ".SH EXAMPLES\n";
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    text += ".PP\n.nf\n" + Roff(lines.substr(0, end)) + "\n.fi\n";
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return text;
}

constexpr std::string_view kExitStatus =
    ".SH \"EXIT STATUS\"\n"
    ".TP\n0\nSuccess.\n"
    ".TP\n1\nThe answer is no: a broken file, an alert that fires.\n"
    ".TP\n2\nWrong usage.\n"
    ".TP\n3\nWith \\fB\\-\\-lint\\-fatal\\fR: it works, but not well.\n";

}  // namespace

std::string PageFile(const CommandSpec& command) { return "tocsin-" + Dashed(command.name) + ".1"; }

std::string CommandPage(const CommandSpec& command) {
  const std::string title = "tocsin-" + Dashed(command.name);
  std::string page = Header(title);
  page += fmt::format(".SH NAME\n{} \\- {}\n", Roff(title), Roff(command.summary));
  page += fmt::format(".SH SYNOPSIS\n.B tocsin {}\n", Roff(command.name));
  if (!command.flags.empty()) page += "[\\fIFLAGS\\fR]\n";
  if (!command.positional.empty()) {
    page += fmt::format("\\fI{}\\fR\n", Roff(command.positional));
  }
  page += ".SH OPTIONS\n";
  for (const FlagSpec& flag : command.flags) page += FlagEntry(flag);
  page += FlagEntry({.name = "--help", .help = "Print a summary.", .short_name = "-h"});
  if (!command.examples.empty()) page += Examples(command.examples);
  return page + std::string(kExitStatus) + ".SH \"SEE ALSO\"\n.BR tocsin (1)\n";
}

std::string ProgramPage(std::span<const CommandSpec* const> commands) {
  std::string page = Header("tocsin");
  page += ".SH NAME\ntocsin \\- collects, stores and judges what a production stack shows\n";
  page += ".SH SYNOPSIS\n.B tocsin\n\\fICOMMAND\\fR [\\fIFLAGS\\fR] [\\fIARGUMENTS\\fR]\n";
  page += ".SH COMMANDS\n";
  for (const CommandSpec* command : commands) {
    page += fmt::format(".TP\n.BR tocsin\\-{} (1)\n{}\n", Roff(Dashed(command->name)),
                        Roff(command->summary));
  }
  page += std::string(kExitStatus);
  page += ".SH ENVIRONMENT\n.TP\nNO_COLOR\nWhen it is not empty, nothing is coloured.\n";
  return page;
}

}  // namespace tocsin::cli
