// label_replace, label_join, and the functions that order an instant vector.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>

#include "base/regex.h"
#include "engine/model/label_set.h"
#include "engine/promql/functions.h"

namespace tocsin::promql {
namespace {

std::string_view StringArgument(const CallContext& context, size_t index) {
  const Expr* expr = context.call.args[index];
  while (const Paren* paren = expr->As<Paren>()) expr = paren->expr;
  return expr->As<StringLiteral>()->value;
}

bool IsLabelName(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

// Gives the destination label of every series the value value_of(labels) gives; no value: as it
// was. A series that gets a metric name keeps it.
template <typename ValueOf>
Block SetLabel(const CallContext& context, Block block, std::string_view destination,
               ValueOf value_of) {
  const SymbolId name = context.symbols.Intern(destination);
  for (size_t series = 0; series < block.series(); ++series) {
    const std::optional<std::string> value = value_of(block.labels(series));
    if (!value) continue;
    Labels labels = block.labels(series);
    labels.Set(name, context.symbols.Intern(*value));
    if (name == context.metric_name) block.set_drop_name(series, false);
    block.SetLabels(series, std::move(labels));
  }
  return block;
}

// The digits or non-digits at the front of `text`.
std::string_view FrontChunk(std::string_view text) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  const bool digits = is_digit(text.front());
  size_t end = 1;
  while (end < text.size() && is_digit(text[end]) == digits) ++end;
  return text.substr(0, end);
}

// Nothing for a chunk that is no number, or too large for one.
std::optional<int64_t> ChunkNumber(std::string_view chunk) {
  if (std::isdigit(static_cast<unsigned char>(chunk.front())) == 0) return std::nullopt;
  int64_t number = 0;
  for (const char c : chunk) {
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, c - '0', &number)) {
      return std::nullopt;
    }
  }
  return number;
}

// "node9" before "node10". The order of github.com/facette/natsort, whose answer for equal chunks
// at the end of one of the texts depends on which text ends first.
bool NaturallyBefore(std::string_view a, std::string_view b) {
  while (!a.empty()) {
    if (b.empty()) return false;
    const std::string_view chunk_a = FrontChunk(a);
    const std::string_view chunk_b = FrontChunk(b);
    a.remove_prefix(chunk_a.size());
    b.remove_prefix(chunk_b.size());
    const std::optional<int64_t> number_a = ChunkNumber(chunk_a);
    const std::optional<int64_t> number_b = ChunkNumber(chunk_b);
    const bool numbers = number_a && number_b;
    if (numbers && *number_a != *number_b) return *number_a < *number_b;
    if (!numbers && chunk_a != chunk_b) return chunk_a < chunk_b;
    if (a.empty()) return true;
    if (b.empty()) return false;
  }
  return false;
}

Block WithoutHistograms(Block block) {
  if (!block.has_histograms()) return block;
  for (size_t series = 0; series < block.series(); ++series) {
    for (size_t step = 0; step < block.steps(); ++step) {
      if (block.Histogram(series, step) != nullptr) block.Clear(series, step);
    }
  }
  return block;
}

// The rows of `block` that have a float, or anything when `histograms`, in the order of `before`.
// Only an instant query has an order; in a range query nothing moves.
template <typename Before>
Block Sorted(const CallContext& context, const Block& block, bool histograms, Before before) {
  if (context.range_query || block.steps() != 1) {
    context.annotations.Warn(
        "PromQL warning: sort is ineffective for range queries since results are always ordered by "
        "labels",
        context.position);
  }
  if (context.range_query || block.steps() != 1) {
    return histograms ? block : WithoutHistograms(block);
  }
  std::vector<size_t> order;
  for (size_t series = 0; series < block.series(); ++series) {
    if (!block.Has(series, 0)) continue;
    if (histograms || block.Histogram(series, 0) == nullptr) order.push_back(series);
  }
  std::stable_sort(order.begin(), order.end(), before);
  Block sorted(block.steps());
  for (const size_t series : order) {
    const size_t row = sorted.AddSeries(block.labels(series), block.drop_name(series));
    if (const HistogramPtr& histogram = block.Histogram(series, 0); histogram != nullptr) {
      sorted.Set(row, 0, histogram);
    } else {
      sorted.Set(row, 0, block.Value(series, 0));
    }
  }
  return sorted;
}

Block SortedByLabel(const CallContext& context, const Block& block, bool descending) {
  std::vector<SymbolId> names;
  for (size_t i = 1; i < context.call.args.size(); ++i) {
    names.push_back(context.symbols.Intern(StringArgument(context, i)));
  }
  return Sorted(context, block, true, [&](size_t a, size_t b) {
    for (const SymbolId name : names) {
      const SymbolId value_a = block.labels(a).Get(name);
      const SymbolId value_b = block.labels(b).Get(name);
      if (value_a == value_b) continue;
      const bool before =
          NaturallyBefore(context.symbols.Text(value_a), context.symbols.Text(value_b));
      return before != descending;
    }
    const int order = CompareByText(block.labels(a), block.labels(b), context.symbols);
    return descending ? order > 0 : order < 0;
  });
}

}  // namespace

Result<Block> VectorLabelReplace(const CallContext& context, std::vector<Block> args) {
  const std::string destination(StringArgument(context, 1));
  const std::string_view replacement = StringArgument(context, 2);
  const SymbolId source = context.symbols.Intern(StringArgument(context, 3));
  const std::string pattern(StringArgument(context, 4));
  const Result<Regex> regex = Regex::CompileAnchored(pattern);
  if (!regex.ok()) {
    return ExecutionError("invalid regular expression in label_replace(): " + pattern);
  }
  if (!IsLabelName(destination)) {
    return ExecutionError("invalid destination label name in label_replace(): " + destination);
  }
  std::vector<std::string_view> groups;
  return SetLabel(context, std::move(args[0]), destination,
                  [&](const Labels& labels) -> std::optional<std::string> {
                    const std::string_view value = context.symbols.Text(labels.Get(source));
                    if (!regex->Match(value, &groups)) return std::nullopt;
                    return regex->Expand(replacement, groups);
                  });
}

Result<Block> VectorLabelJoin(const CallContext& context, std::vector<Block> args) {
  const std::string destination(StringArgument(context, 1));
  const std::string_view separator = StringArgument(context, 2);
  std::vector<SymbolId> sources;
  for (size_t i = 3; i < context.call.args.size(); ++i) {
    const std::string source(StringArgument(context, i));
    if (!IsLabelName(source)) {
      return ExecutionError("invalid source label name in label_join(): " + source);
    }
    sources.push_back(context.symbols.Intern(source));
  }
  if (!IsLabelName(destination)) {
    return ExecutionError("invalid destination label name in label_join(): " + destination);
  }
  return SetLabel(context, std::move(args[0]), destination,
                  [&](const Labels& labels) -> std::optional<std::string> {
                    std::string joined;
                    for (size_t i = 0; i < sources.size(); ++i) {
                      if (i > 0) joined += separator;
                      joined += context.symbols.Text(labels.Get(sources[i]));
                    }
                    return joined;
                  });
}

// NaN stands last in both directions.
Result<Block> VectorSort(const CallContext& context, std::vector<Block> args) {
  const Block& block = args[0];
  return Sorted(context, block, false, [&](size_t a, size_t b) {
    const double value_a = block.Value(a, 0);
    const double value_b = block.Value(b, 0);
    return std::isnan(value_b) ? !std::isnan(value_a) : value_a < value_b;
  });
}

Result<Block> VectorSortDesc(const CallContext& context, std::vector<Block> args) {
  const Block& block = args[0];
  return Sorted(context, block, false, [&](size_t a, size_t b) {
    const double value_a = block.Value(a, 0);
    const double value_b = block.Value(b, 0);
    return std::isnan(value_b) ? !std::isnan(value_a) : value_a > value_b;
  });
}

Result<Block> VectorSortByLabel(const CallContext& context, std::vector<Block> args) {
  return SortedByLabel(context, args[0], false);
}

Result<Block> VectorSortByLabelDesc(const CallContext& context, std::vector<Block> args) {
  return SortedByLabel(context, args[0], true);
}

}  // namespace tocsin::promql
