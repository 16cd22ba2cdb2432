#include "engine/promqltest/script.h"

#include <algorithm>

#include "base/go_float.h"
#include "base/regex.h"
#include "base/time.h"
#include "engine/promql/quote.h"

namespace tocsin::promqltest {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// The next word, which is cut off with the blanks behind it.
std::string_view TakeWord(std::string_view& text) {
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = Trimmed(text.substr(end));
  return word;
}

bool TakeText(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text = Trimmed(text.substr(word.size()));
  return true;
}

// A Prometheus duration, or plain seconds; may be negative.
Result<int64_t> ReadTime(std::string_view text) {
  if (const std::optional<double> seconds = ParseGoFloat(text)) {
    return static_cast<int64_t>(*seconds * 1000);
  }
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  ASSIGN_OR_RETURN(const Duration duration, ParsePrometheusDuration(text));
  return negative ? -duration.count() : duration.count();
}

class ScriptParser {
 public:
  explicit ScriptParser(std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = Trimmed(text.substr(0, end));
      lines_.push_back(line.starts_with('#') ? std::string_view() : line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  Result<std::vector<ScriptCommand>> Parse() {
    std::vector<ScriptCommand> commands;
    for (; at_ < lines_.size(); ++at_) {
      if (lines_[at_].empty()) continue;
      ScriptCommand command;
      command.line = at_ + 1;
      const Status status = ReadCommand(command);
      if (!status.ok()) return Prefixed(std::to_string(at_ + 1) + ": ", status.error());
      commands.push_back(std::move(command));
    }
    return commands;
  }

 private:
  // Leaves at_ on the last line of the command.
  Status ReadCommand(ScriptCommand& command) {
    std::string_view line = lines_[at_];
    std::string word(TakeWord(line));
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::tolower(c); });
    if (word == "clear") return Ok();
    if (word == "load" || word == "load_with_nhcb") {
      command.kind = ScriptCommand::Kind::kLoad;
      command.load.with_custom_buckets = word != "load";
      return ReadLoad(line, command.load);
    }
    if (!word.starts_with("eval")) return InvalidArgument("unknown command \"" + word + "\"");
    command.kind = ScriptCommand::Kind::kEval;
    RETURN_IF_ERROR(ReadOldForm(word, command.eval));
    RETURN_IF_ERROR(ReadHead(line, command.eval));
    return ReadExpected(command.eval);
  }

  bool NextLine() {
    if (at_ + 1 >= lines_.size() || lines_[at_ + 1].empty()) return false;
    ++at_;
    return true;
  }

  Status ReadLoad(std::string_view step, LoadCommand& load) {
    ASSIGN_OR_RETURN(load.step_ms, ReadTime(step));
    std::vector<std::optional<int64_t>> starts;
    LabelSet starts_of;
    while (NextLine()) {
      std::string_view line = lines_[at_];
      if (const size_t at = FindStartTimes(line); at != std::string_view::npos) {
        ASSIGN_OR_RETURN(const NotedSeries named, ParseSeriesLine(line.substr(0, at)));
        ASSIGN_OR_RETURN(starts, ParseNotedOffsets(line.substr(at + 3)));
        starts_of = named.labels;
        continue;
      }
      ASSIGN_OR_RETURN(NotedSeries series, ParseSeriesLine(line));
      LoadedSeries loaded{.series = std::move(series)};
      if (!starts.empty()) {
        if (!(starts_of == loaded.series.labels)) {
          return InvalidArgument("the start times above are those of another series");
        }
        loaded.starts = std::exchange(starts, {});
      }
      std::erase_if(load.series, [&](const LoadedSeries& earlier) {
        return earlier.series.labels == loaded.series.labels;
      });
      load.series.push_back(std::move(loaded));
    }
    return Ok();
  }

  // "metric{…}@st items"
  static size_t FindStartTimes(std::string_view line) {
    const size_t brace = line.rfind('}');
    const size_t from = brace == std::string_view::npos ? 0 : brace;
    const size_t at = line.find("@st", from);
    return at != std::string_view::npos && at + 3 < line.size() &&
                   (line[at + 3] == ' ' || line[at + 3] == '\t')
               ? at
               : std::string_view::npos;
  }

  static Status ReadOldForm(std::string_view word, EvalCommand& eval) {
    if (word == "eval") return Ok();
    if (word == "eval_ordered") {
      eval.ordered = true;
    } else if (word == "eval_fail") {
      eval.expectations.push_back({.kind = Expectation::Kind::kFail});
    } else if (word == "eval_warn") {
      eval.expectations.push_back({.kind = Expectation::Kind::kWarn});
    } else if (word == "eval_info") {
      eval.expectations.push_back({.kind = Expectation::Kind::kInfo});
    } else {
      return InvalidArgument("unknown command \"" + std::string(word) + "\"");
    }
    return Ok();
  }

  static Status ReadHead(std::string_view line, EvalCommand& eval) {
    const Error usage = InvalidArgument(
        "expected \"eval instant at TIME QUERY\" or \"eval range from TIME to "
        "TIME step DURATION QUERY\"");
    if (TakeText(line, "instant ")) {
      if (!TakeText(line, "at ")) return usage;
      ASSIGN_OR_RETURN(eval.start_ms, ReadTime(TakeWord(line)));
      eval.end_ms = eval.start_ms;
    } else if (TakeText(line, "range ")) {
      eval.range = true;
      if (!TakeText(line, "from ")) return usage;
      ASSIGN_OR_RETURN(eval.start_ms, ReadTime(TakeWord(line)));
      if (!TakeText(line, "to ")) return usage;
      ASSIGN_OR_RETURN(eval.end_ms, ReadTime(TakeWord(line)));
      if (!TakeText(line, "step ")) return usage;
      ASSIGN_OR_RETURN(eval.step_ms, ReadTime(TakeWord(line)));
    } else {
      return usage;
    }
    if (line.empty()) return usage;
    eval.query = line;
    return Ok();
  }

  Status ReadExpected(EvalCommand& eval) {
    bool any_value = false;
    while (NextLine()) {
      std::string_view line = lines_[at_];
      if (TakeText(line, "expect ")) {
        RETURN_IF_ERROR(ReadExpect(line, eval));
      } else if (TakeText(line, "expected_fail_message ")) {
        return Refine(eval, Expectation::Match::kText, line);
      } else if (TakeText(line, "expected_fail_regexp ")) {
        return Refine(eval, Expectation::Match::kRegex, line);
      } else if (const std::optional<double> scalar = ParseGoFloat(line); scalar && !eval.range) {
        if (any_value) return InvalidArgument("a scalar beside series");
        eval.scalar = scalar;
        return NextLine() ? Status(InvalidArgument("a scalar ends its eval")) : Ok();
      } else {
        any_value = true;
        RETURN_IF_ERROR(ReadSeries(line, eval));
      }
    }
    return Ok();
  }

  // One value per series of an instant vector, and each series once.
  static Status ReadSeries(std::string_view line, EvalCommand& eval) {
    ASSIGN_OR_RETURN(NotedSeries series, ParseSeriesLine(line));
    const bool list = eval.range || eval.range_vector;
    if (!list &&
        (series.values.size() != 1 || series.values.front().kind == NotedValue::Kind::kNone)) {
      return InvalidArgument("a series of an instant vector has one value");
    }
    for (const NotedSeries& other : eval.series) {
      if (other.labels == series.labels) {
        return InvalidArgument("the series " + series.labels.ToString() + " stands here twice");
      }
    }
    eval.series.push_back(std::move(series));
    return Ok();
  }

  static Status Refine(EvalCommand& eval, Expectation::Match match, std::string_view text) {
    for (Expectation& expectation : eval.expectations) {
      if (expectation.kind != Expectation::Kind::kFail) continue;
      expectation.match = match;
      expectation.text = text;
      return Ok();
    }
    return InvalidArgument("the message of a failure that is not expected");
  }

  static Status ReadExpect(std::string_view line, EvalCommand& eval) {
    const std::string_view what = TakeWord(line);
    if (what == "ordered" && eval.range) {
      return InvalidArgument("a range query has no order of its own");
    }
    if (what == "ordered" || what == "no_warn" || what == "no_info") {
      (what == "ordered" ? eval.ordered : what == "no_warn" ? eval.no_warn : eval.no_info) = true;
      return Ok();
    }
    if (what == "string") {
      ASSIGN_OR_RETURN(eval.string, promql::Unquote(line));
      return Ok();
    }
    if (what == "range") return ReadRangeVector(line, eval);
    Expectation expectation;
    if (what == "fail") {
      if (eval.Expects(Expectation::Kind::kFail)) {
        return InvalidArgument("\"expect fail\" stands here twice");
      }
      expectation.kind = Expectation::Kind::kFail;
    } else if (what == "warn") {
      expectation.kind = Expectation::Kind::kWarn;
    } else if (what == "info") {
      expectation.kind = Expectation::Kind::kInfo;
    } else {
      return InvalidArgument("unknown expectation \"" + std::string(what) + "\"");
    }
    if (TakeText(line, "msg:")) {
      expectation.match = Expectation::Match::kText;
    } else if (TakeText(line, "regex:")) {
      expectation.match = Expectation::Match::kRegex;
      if (const Result<Regex> regex = Regex::Compile(std::string(line)); !regex.ok()) {
        return regex.error();
      }
    } else if (!line.empty()) {
      return InvalidArgument("expected msg: or regex:");
    }
    expectation.text = line;
    eval.expectations.push_back(std::move(expectation));
    return Ok();
  }

  static Status ReadRangeVector(std::string_view line, EvalCommand& eval) {
    const Error usage =
        InvalidArgument("expected \"expect range vector from TIME to TIME step DURATION\"");
    EvalCommand::Times times{};
    if (!TakeText(line, "vector ") || !TakeText(line, "from ")) return usage;
    ASSIGN_OR_RETURN(times.start_ms, ReadTime(TakeWord(line)));
    if (!TakeText(line, "to ")) return usage;
    ASSIGN_OR_RETURN(times.end_ms, ReadTime(TakeWord(line)));
    if (!TakeText(line, "step ")) return usage;
    ASSIGN_OR_RETURN(times.step_ms, ReadTime(TakeWord(line)));
    eval.range_vector = times;
    return Ok();
  }

  std::vector<std::string_view> lines_;
  size_t at_ = 0;
};

}  // namespace

bool EvalCommand::Expects(Expectation::Kind kind) const {
  return std::ranges::any_of(expectations, [kind](const Expectation& e) { return e.kind == kind; });
}

Result<std::vector<ScriptCommand>> ParseScript(std::string_view text) {
  return ScriptParser(text).Parse();
}

}  // namespace tocsin::promqltest
