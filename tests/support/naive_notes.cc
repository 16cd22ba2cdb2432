#include "tests/support/naive_notes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/go_float.h"

namespace tocsin::testing_support {
namespace {

using promql::AggregateOp;
using promql::BinaryOp;
using Histograms = std::vector<NaiveHistogramPtr>;

constexpr std::string_view kMixedBuckets =
    "PromQL warning: vector contains a mix of histograms with exponential and custom buckets "
    "schemas";
constexpr std::string_view kBothKinds =
    "PromQL warning: vector contains a mix of classic and native histograms";
constexpr std::string_view kReconciled =
    "PromQL info: mismatched custom buckets were reconciled during ";

std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }
std::string NameOf(const LabelSet& labels) { return std::string(labels.Get(kMetricName)); }

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// One after the other, in the layout of all before.
void NoteSum(const Histograms& histograms, NaiveNotes& notes) {
  NaiveHistogram sum = *histograms.front();
  for (size_t i = 1; i < histograms.size(); ++i) {
    if (!NoteMerge(sum, *histograms[i], "aggregation", notes)) return;
    sum = *Combined(sum, 1, *histograms[i]);
  }
}

void NoteIncrease(const Histograms& h, bool counter, NaiveNotes& notes) {
  NaiveHistogram first = *h.front();
  if (counter && IsReset(*h[0], *h[1])) first = {.schema = h[1]->schema, .bounds = h[1]->bounds};
  for (size_t i = 1; i + 1 < h.size() && counter; ++i) {
    if (h[i]->custom() == first.custom()) continue;
    notes.insert(std::string(kMixedBuckets));
    return;
  }
  if (!NoteMerge(*h.back(), first, "subtraction", notes)) return;
  NaiveHistogram increase = *Combined(*h.back(), -1, first);
  const NaiveHistogram* before = &first;
  for (size_t i = 1; i < h.size() && counter; ++i) {
    if (IsReset(*before, *h[i])) {
      NoteMerge(increase, *before, "addition", notes);
      increase = *Combined(increase, 1, *before);
    }
    before = h[i].get();
  }
}

void NoteLastTwo(bool rate, const NaiveWindow& window, NaiveNotes& notes) {
  if (window.all.size() < 2) return;
  const NaiveHistogramPtr& before = window.all[window.all.size() - 2].number.histogram;
  const NaiveHistogramPtr& last = window.all.back().number.histogram;
  if ((before == nullptr) != (last == nullptr)) return NoteMixedWindow(window, notes);
  if (before == nullptr || (rate && IsReset(*before, *last))) return;
  NoteMerge(*last, *before, "subtraction", notes);
}

bool IsCounterFunction(std::string_view function) {
  return IsOneOf(function, {"rate", "increase"});
}

std::string_view KindOf(const NaiveNumber& number) {
  return number.histogram != nullptr ? "histogram" : "float";
}

bool GoTogether(BinaryOp op, const NaiveNumber& a, const NaiveNumber& b) {
  const bool trims = op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower;
  if (a.histogram == nullptr && b.histogram == nullptr) return !trims;
  if (a.histogram != nullptr && b.histogram != nullptr) {
    return op == BinaryOp::kAdd || op == BinaryOp::kSub || op == BinaryOp::kEqual ||
           op == BinaryOp::kNotEqual;
  }
  if (op == BinaryOp::kMul) return true;
  return a.histogram != nullptr && (trims || op == BinaryOp::kDiv);
}

}  // namespace

void NaiveNotes::AddParameter(const promql::Aggregate& aggregate, double parameter) {
  parameters_[&aggregate].push_back(parameter);
}

std::set<std::string> NaiveNotes::Texts() const {
  NaiveNotes all = *this;
  for (const auto& [aggregate, parameters] : parameters_) {
    const bool quantile = aggregate->op == AggregateOp::kQuantile;
    if (!quantile && aggregate->op != AggregateOp::kLimitRatio) continue;
    const auto [least, greatest] = std::ranges::minmax(parameters);
    const bool any_nan =
        std::ranges::any_of(parameters, [](double parameter) { return std::isnan(parameter); });
    const auto tell = [&](double parameter) {
      if (quantile) return NoteQuantile(parameter, all);
      all.insert("PromQL warning: ratio value should be between -1 and 1, got " +
                 FormatPrecision(parameter, 6) + ", capping to " + (parameter > 0 ? "1" : "-1"));
    };
    if (any_nan) {
      tell(NormalNan());
      continue;
    }
    if (greatest > 1) tell(greatest);
    if (least < (quantile ? 0 : -1)) tell(least);
  }
  return all.texts_;
}

std::string NaiveNoteOf(std::string text) {
  // The position: " (1:7)".
  text.erase(text.rfind(" ("));
  for (const std::string_view unknown :
       {"native histogram metric is not a", "conflicting counter resets",
        "needed to be fixed for monotonicity", "sort is ineffective", "has NaN observations"}) {
    if (text.find(unknown) != std::string::npos) return "";
  }
  for (const std::string_view nameless : {kMixedBuckets, kBothKinds}) {
    if (text.starts_with(nameless)) return std::string(nameless);
  }
  constexpr std::string_view kGot = ", got ";
  if (const size_t got = text.find(kGot); got != std::string::npos) {
    const size_t begin = got + kGot.size();
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::optional<double> number = ParseGoFloat(text.substr(begin, end - begin));
    if (number) text.replace(begin, end - begin, FormatPrecision(*number, 6));
  }
  return text;
}

void NoteMixedWindow(const NaiveWindow& window, NaiveNotes& notes) {
  notes.insert("PromQL warning: encountered a mix of histograms and floats for metric name " +
               Quoted(NameOf(window.labels)));
}

bool NoteMerge(const NaiveHistogram& a, const NaiveHistogram& b, std::string_view operation,
               NaiveNotes& notes) {
  if (a.custom() != b.custom()) {
    notes.insert(std::string(kMixedBuckets));
    return false;
  }
  if (a.custom() && a.bounds != b.bounds) notes.insert(std::string(kReconciled).append(operation));
  return true;
}

void NoteNoCounter(std::string_view function, const NaiveWindow& window, NaiveNotes& notes) {
  if (!IsCounterFunction(function)) return;
  const std::string name = NameOf(window.labels);
  if (name.empty()) return;
  for (const std::string_view end : {"_total", "_sum", "_count", "_bucket"}) {
    if (name.ends_with(end)) return;
  }
  notes.insert(
      "PromQL info: metric might not be a counter, name does not end in "
      "_total/_sum/_count/_bucket: " +
      Quoted(name));
}

void NoteRange(std::string_view function, const NaiveRangeCall& call, bool gave_float,
               NaiveNotes& notes) {
  const NaiveWindow& window = call.window;
  Histograms histograms;
  for (const NaiveWindow::At& at : window.all) {
    if (at.number.histogram != nullptr) histograms.push_back(at.number.histogram);
  }
  const bool mixed = !histograms.empty() && !window.samples.empty();
  const bool counter = IsCounterFunction(function);
  if (gave_float) NoteNoCounter(function, window, notes);
  if (counter || function == "delta") {
    if (mixed) return NoteMixedWindow(window, notes);
    if (histograms.size() >= 2) NoteIncrease(histograms, counter, notes);
  } else if (IsOneOf(function, {"irate", "idelta"})) {
    NoteLastTwo(function == "irate", window, notes);
  } else if (IsOneOf(function, {"sum_over_time", "avg_over_time"})) {
    if (mixed) return NoteMixedWindow(window, notes);
    if (!histograms.empty()) NoteSum(histograms, notes);
  } else if (IsOneOf(function, {"min_over_time", "max_over_time", "stddev_over_time",
                                "stdvar_over_time", "mad_over_time", "quantile_over_time",
                                "ts_of_min_over_time", "ts_of_max_over_time", "deriv",
                                "predict_linear", "double_exponential_smoothing"})) {
    if (mixed) {
      notes.insert(
          "PromQL info: ignored histograms in a range containing both floats and histograms for "
          "metric name " +
          Quoted(NameOf(window.labels)));
    }
    if (function == "quantile_over_time" && !window.samples.empty()) {
      NoteQuantile(call.parameters[0], notes);
    }
  }
}

void NoteAggregate(AggregateOp op, double parameter, const std::vector<NaiveNumber>& members,
                   NaiveNotes& notes) {
  Histograms histograms;
  for (const NaiveNumber& member : members) {
    if (member.histogram != nullptr) histograms.push_back(member.histogram);
  }
  if (histograms.empty()) return;
  switch (op) {
    case AggregateOp::kSum:
    case AggregateOp::kAvg:
      NoteSum(histograms, notes);
      if (histograms.size() < members.size()) {
        notes.insert("PromQL warning: encountered a mix of histograms and floats for aggregation");
      }
      return;
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
      if (parameter < 1) return;
      [[fallthrough]];
    case AggregateOp::kMin:
    case AggregateOp::kMax:
    case AggregateOp::kStddev:
    case AggregateOp::kStdvar:
    case AggregateOp::kQuantile:
      notes.insert("PromQL info: ignored histogram in " + std::string(AggregateOpText(op)) +
                   " aggregation");
      return;
    default:
      return;
  }
}

void NoteBinary(const promql::Binary& binary, const NaiveNumber& a, const NaiveNumber& b,
                NaiveNotes& notes) {
  const BinaryOp op = binary.op;
  const std::string text(BinaryOpText(op));
  if (!GoTogether(op, a, b)) {
    notes.insert("PromQL info: incompatible sample types encountered for binary operator \"" +
                 text + "\": " + std::string(KindOf(a)) + " " + text + " " +
                 std::string(KindOf(b)));
    return;
  }
  if (a.histogram == nullptr || b.histogram == nullptr) return;
  if (op != BinaryOp::kAdd && op != BinaryOp::kSub) return;
  if (a.histogram->custom() != b.histogram->custom()) {
    notes.insert("PromQL warning: incompatible bucket layout encountered for binary operator " +
                 text);
    return;
  }
  NoteMerge(*a.histogram, *b.histogram, op == BinaryOp::kAdd ? "addition" : "subtraction", notes);
}

void NoteQuantile(double q, NaiveNotes& notes) {
  if (q >= 0 && q <= 1) return;
  notes.insert("PromQL warning: quantile value should be between 0 and 1, got " +
               FormatPrecision(q, 6));
}

void NoteBadBound(std::string_view le, std::string_view metric, NaiveNotes& notes) {
  notes.insert("PromQL warning: bucket label \"le\" is missing or has a malformed value of " +
               Quoted(le) + (metric.empty() ? "" : " for metric name " + Quoted(metric)));
}

void NoteBothKindsOfBuckets(NaiveNotes& notes) { notes.insert(std::string(kBothKinds)); }

}  // namespace tocsin::testing_support
