// Test scripts of PromQL: series to load, queries to evaluate, and what they must give.
//
// Source of the language: Prometheus' promql/promqltest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/promqltest/series_notation.h"

namespace tocsin::promqltest {

struct LoadedSeries {
  NotedSeries series;
  // Start times relative to each sample; empty when none are given.
  std::vector<std::optional<int64_t>> starts;
};

struct LoadCommand {
  int64_t step_ms = 0;
  bool with_custom_buckets = false;  // load_with_nhcb
  std::vector<LoadedSeries> series;
};

struct Expectation {
  enum class Kind { kFail, kWarn, kInfo };
  enum class Match { kAny, kText, kRegex };
  Kind kind = Kind::kFail;
  Match match = Match::kAny;
  std::string text;
};

struct EvalCommand {
  bool range = false;
  int64_t start_ms = 0;
  int64_t end_ms = 0;  // the same for an instant query
  int64_t step_ms = 0;
  std::string query;

  std::vector<Expectation> expectations;
  bool no_warn = false;
  bool no_info = false;
  bool ordered = false;
  std::optional<std::string> string;
  // The instant query gives a range vector, noted at these times.
  struct Times {
    int64_t start_ms;
    int64_t end_ms;
    int64_t step_ms;
  };
  std::optional<Times> range_vector;
  std::optional<double> scalar;
  std::vector<NotedSeries> series;  // in the order of the lines

  bool Expects(Expectation::Kind kind) const;
};

struct ScriptCommand {
  enum class Kind { kClear, kLoad, kEval };
  Kind kind = Kind::kClear;
  size_t line = 0;  // from 1
  LoadCommand load;
  EvalCommand eval;
};

// Errors begin with the line: "12: …".
Result<std::vector<ScriptCommand>> ParseScript(std::string_view text);

}  // namespace tocsin::promqltest
