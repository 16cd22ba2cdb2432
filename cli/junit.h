// Test results as JUnit XML, which continuous-integration servers read.
#pragma once

#include <string>
#include <vector>

namespace tocsin::cli {

struct JunitCase {
  std::string name;
  std::vector<std::string> failures;  // none: it passed
};

struct JunitSuite {
  std::string name;
  std::vector<JunitCase> cases;
  std::vector<std::string> errors;  // why there are no cases
};

std::string RenderJunit(const std::vector<JunitSuite>& suites);

}  // namespace tocsin::cli
