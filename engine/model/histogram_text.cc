// The two texts of a native histogram.
#include <fmt/format.h>

#include <vector>

#include "base/go_float.h"
#include "engine/model/histogram.h"
#include "engine/model/histogram_buckets.h"
#include "engine/model/histogram_layout.h"

namespace tocsin {
namespace {

void AppendNumbers(std::string& out, const std::vector<double>& numbers) {
  out += '[';
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) out += ' ';
    AppendGoV(out, numbers[i]);
  }
  out += ']';
}

// One run from the first populated bucket to the last, gaps filled with zeros: test files know no
// spans.
void AppendRun(std::vector<std::string>& parts, std::string_view buckets_key,
               std::string_view offset_key, const std::vector<HistogramSpan>& spans,
               const std::vector<double>& counts) {
  std::vector<double> run;
  int32_t first = 0;
  for (layout::Reader in(spans, counts); !in.done(); in.Next()) {
    if (in.count() == 0) continue;
    if (run.empty()) first = in.index();
    run.resize(static_cast<size_t>(in.index() - first));
    run.push_back(in.count());
  }
  if (run.empty()) return;
  if (first != 0) parts.push_back(fmt::format("{}:{}", offset_key, first));
  std::string text = fmt::format("{}:", buckets_key);
  AppendNumbers(text, run);
  parts.push_back(std::move(text));
}

void AppendBucket(std::string& out, const HistogramBucket& bucket) {
  if (bucket.count == 0) return;
  out += bucket.lower_inclusive ? ", [" : ", (";
  AppendGoV(out, bucket.lower);
  out += ',';
  AppendGoV(out, bucket.upper);
  out += bucket.upper_inclusive ? "]:" : "):";
  AppendGoV(out, bucket.count);
}

std::string_view HintText(CounterResetHint hint) {
  switch (hint) {
    case CounterResetHint::kUnknown:
      return "";
    case CounterResetHint::kReset:
      return "counter_reset_hint:reset";
    case CounterResetHint::kNotReset:
      return "counter_reset_hint:not_reset";
    case CounterResetHint::kGauge:
      return "counter_reset_hint:gauge";
  }
  return "";
}

}  // namespace

// Of every bucket that is not empty, also where a count fell below 0, and with the bounds of its
// index: unlike where observations are looked for, the zero bucket cuts none of them.
std::string FloatHistogram::ToString() const {
  using enum SideWalk::Side;
  using enum SideWalk::Direction;
  std::string out = fmt::format("{{count:{}, sum:{}", FormatGoV(count), FormatGoV(sum));
  for (SideWalk walk(*this, kNegative, kInwards); walk.Next();) AppendBucket(out, walk.bucket());
  AppendBucket(out, {.lower = -zero_threshold,
                     .upper = zero_threshold,
                     .lower_inclusive = true,
                     .upper_inclusive = true,
                     .count = zero_count});
  for (SideWalk walk(*this, kPositive, kOutwards); walk.Next();) AppendBucket(out, walk.bucket());
  out += '}';
  return out;
}

std::string FloatHistogram::TestExpression() const {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view key, double value) {
    if (value != 0) parts.push_back(fmt::format("{}:{}", key, FormatGoV(value)));
  };
  if (schema != 0) parts.push_back(fmt::format("schema:{}", schema));
  add("count", count);
  add("sum", sum);
  add("z_bucket", zero_count);
  add("z_bucket_w", zero_threshold);
  if (has_custom_bounds()) {
    std::string bounds = "custom_values:";
    AppendNumbers(bounds, custom_bounds);
    parts.push_back(std::move(bounds));
  }
  if (reset_hint != CounterResetHint::kUnknown) parts.emplace_back(HintText(reset_hint));
  AppendRun(parts, "buckets", "offset", positive_spans, positive_buckets);
  AppendRun(parts, "n_buckets", "n_offset", negative_spans, negative_buckets);
  return fmt::format("{{{{{}}}}}", fmt::join(parts, " "));
}

}  // namespace tocsin
