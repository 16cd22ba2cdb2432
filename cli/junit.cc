#include "cli/junit.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "base/markup.h"

namespace tocsin::cli {
namespace {

std::string FirstLine(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  return std::string(text.substr(0, text.find('\n')));
}

std::string Failure(std::string_view element, const std::string& text) {
  return fmt::format("      <{0} message=\"{1}\">{2}</{0}>\n", element,
                     EscapeMarkup(FirstLine(text)), EscapeMarkup(text));
}

std::string Suite(const JunitSuite& suite) {
  const auto failed = std::ranges::count_if(
      suite.cases, [](const JunitCase& each) { return !each.failures.empty(); });
  std::string xml =
      fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
                  EscapeMarkup(suite.name), suite.cases.size() + (suite.errors.empty() ? 0 : 1),
                  failed, suite.errors.size());
  for (const JunitCase& each : suite.cases) {
    xml += fmt::format("    <testcase classname=\"{}\" name=\"{}\"", EscapeMarkup(suite.name),
                       EscapeMarkup(each.name));
    if (each.failures.empty()) {
      xml += "/>\n";
      continue;
    }
    xml += ">\n";
    for (const std::string& failure : each.failures) xml += Failure("failure", failure);
    xml += "    </testcase>\n";
  }
  if (!suite.errors.empty()) {
    xml += fmt::format("    <testcase classname=\"{0}\" name=\"{0}\">\n", EscapeMarkup(suite.name));
    for (const std::string& error : suite.errors) xml += Failure("error", error);
    xml += "    </testcase>\n";
  }
  return xml + "  </testsuite>\n";
}

}  // namespace

std::string RenderJunit(const std::vector<JunitSuite>& suites) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const JunitSuite& suite : suites) xml += Suite(suite);
  return xml + "</testsuites>\n";
}

}  // namespace tocsin::cli
