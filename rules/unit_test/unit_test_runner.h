// Runs the tests of one unit-test file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "engine/promql/engine.h"
#include "rules/unit_test/comparison.h"
#include "rules/unit_test/coverage.h"
#include "rules/unit_test/unit_test_file.h"

namespace tocsin::unit_test {

struct RunOptions {
  promql::EngineOptions engine;
  bool ignore_unknown_fields = false;  // in rule files
  bool debug = false;                  // with a dump of all series
};

struct Failure {
  Place place;       // in the test file; 0 when it concerns no line of it
  std::string text;  // in promtool's words; may have several lines
  std::optional<Mismatch> mismatch;
};

struct TestOutcome {
  std::string name;  // "unnamed#0" for the first one without a name
  Place place;
  std::vector<Failure> failures;
  std::string debug;  // only when asked for
  size_t evaluations = 0;
};

struct FileOutcome {
  std::string path;
  std::vector<std::string> warnings;
  // The file itself cannot be read; there are no tests.
  std::optional<Error> error;
  std::vector<TestOutcome> tests;
  Coverage coverage;

  bool passed() const;
};

// `selected` says by its name whether a test is run.
FileOutcome RunUnitTestFile(const FileSystem& files, const std::string& path,
                            const RunOptions& options,
                            const std::function<bool(const std::string& name)>& selected);

}  // namespace tocsin::unit_test
