#include "engine/promqltest/script_runner.h"

#include <algorithm>
#include <memory>

#include "base/go_float.h"
#include "engine/promql/parser.h"
#include "engine/promqltest/compare.h"
#include "engine/promqltest/script_loader.h"
#include "engine/promqltest/variants.h"

namespace tocsin::promqltest {
namespace {

class ScriptRunner {
 public:
  ScriptRunner(std::string_view name, const promql::EngineOptions& options)
      : name_(name), engine_(options, clock_, nullptr), store_(clock_) {}

  ScriptReport Run(std::string_view text) {
    const Result<std::vector<ScriptCommand>> commands = ParseScript(text);
    if (!commands.ok()) {
      Fail(std::string(name_) + ":" + commands.error().message);
      return std::move(report_);
    }
    for (const ScriptCommand& command : *commands) RunCommand(command);
    return std::move(report_);
  }

 private:
  void RunCommand(const ScriptCommand& command) {
    const std::string place = std::string(name_) + ":" + std::to_string(command.line) + ": ";
    switch (command.kind) {
      case ScriptCommand::Kind::kClear:
        store_.Clear();
        break;
      case ScriptCommand::Kind::kLoad:
        if (const Status loaded = store_.Load(command.load); !loaded.ok()) {
          Fail(place + loaded.error().message);
        }
        break;
      case ScriptCommand::Kind::kEval:
        if (const Difference difference = Evaluate(command.eval)) {
          Fail(place + command.eval.query + ": " + *difference);
        } else {
          ++report_.passed;
        }
        break;
    }
  }

  void Fail(std::string failure) {
    ++report_.failed;
    report_.failures.push_back(std::move(failure));
  }

  Difference Evaluate(const EvalCommand& eval) {
    const auto query = engine_.Parse(eval.query);
    if (!query.ok()) return "cannot be parsed: " + query.error().message;
    if (eval.range) {
      return Check(engine_.Range(**query, store_.head(), eval.start_ms, eval.end_ms, eval.step_ms),
                   eval, CompareRange, Positions::kCompared);
    }
    if (Difference difference = Check(engine_.Instant(**query, store_.head(), eval.start_ms), eval,
                                      CompareInstant, Positions::kCompared)) {
      return difference;
    }
    if (Difference difference = EvaluateAsRange(**query, eval, eval.start_ms)) return difference;
    return EvaluateFixed(**query, eval);
  }

  // The same query with every selector fixed to the time of the eval, asked at other times.
  Difference EvaluateFixed(const promql::ParsedQuery& query, const EvalCommand& eval) {
    const std::optional<std::string> fixed = FixedToTime(query, eval.start_ms);
    if (!fixed) return std::nullopt;
    const auto parsed = engine_.Parse(*fixed);
    if (!parsed.ok()) return *fixed + " cannot be parsed: " + parsed.error().message;
    for (const int64_t t_ms : TimesAround(eval.start_ms)) {
      const auto at = [&](Difference difference) {
        if (difference) {
          *difference += " (as " + *fixed + " at " + std::to_string(t_ms) + " ms)";
        }
        return difference;
      };
      if (Difference difference = at(Check(engine_.Instant(**parsed, store_.head(), t_ms), eval,
                                           CompareInstant, Positions::kIgnored))) {
        return difference;
      }
      if (Difference difference = at(EvaluateAsRange(**parsed, eval, t_ms))) return difference;
    }
    return std::nullopt;
  }

  // The query over three steps, of which the middle one is the instant.
  Difference EvaluateAsRange(const promql::ParsedQuery& query, const EvalCommand& eval,
                             int64_t t_ms) {
    constexpr int64_t kStepMs = 60'000;
    if (eval.string || eval.range_vector || !MayBecomeRange(query)) return std::nullopt;
    const auto result =
        engine_.Range(query, store_.head(), t_ms - kStepMs, t_ms + kStepMs, kStepMs);
    Difference difference = Check(
        result, eval,
        [&](const promql::QueryValue& value, const EvalCommand& expected) -> Difference {
          return expected.ordered ? std::nullopt : ComparePoint(value, expected, t_ms);
        },
        std::nullopt);
    if (difference) *difference += " (in a range query)";
    return difference;
  }

  template <typename Compare>
  static Difference Check(const Result<promql::QueryResult>& result, const EvalCommand& eval,
                          Compare compare, std::optional<Positions> annotations) {
    if (!result.ok()) return CompareError(result.error(), eval);
    if (eval.Expects(Expectation::Kind::kFail)) return "expected an error, got none";
    if (annotations) {
      if (Difference difference = CompareAnnotations(*result, eval, *annotations)) {
        return difference;
      }
    }
    return compare(result->value, eval);
  }

  const std::string_view name_;
  const SystemClock clock_;  // for deadlines; scripts bring their own times
  const promql::Engine engine_;
  ScriptStore store_;
  ScriptReport report_;
};

}  // namespace

promql::EngineOptions ScriptEngineOptions() {
  promql::EngineOptions options;
  options.parser.experimental_functions = true;
  options.parser.extended_range_selectors = true;
  options.parser.binop_fill_modifiers = true;
  options.max_samples = 10'000;
  options.timeout = std::chrono::seconds(100);
  options.delayed_name_removal = true;
  options.use_start_timestamps = true;
  return options;
}

ScriptReport RunScript(std::string_view name, std::string_view text,
                       const promql::EngineOptions& options) {
  return ScriptRunner(name, options).Run(text);
}

}  // namespace tocsin::promqltest
