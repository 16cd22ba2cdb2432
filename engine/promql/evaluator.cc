#include "engine/promql/evaluator.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/model/histogram.h"
#include "engine/promql/label_index.h"
#include "engine/promql/parser.h"

namespace tocsin::promql {
namespace {

// What a block counts for against the limit of samples.
size_t SamplesOf(const Block& block) {
  size_t samples = 0;
  for (size_t series = 0; series < block.series(); ++series) {
    samples += block.CountPresent(series);
    if (!block.has_histograms()) continue;
    for (size_t step = 0; step < block.steps(); ++step) {
      const HistogramPtr& histogram = block.Histogram(series, step);
      if (histogram != nullptr && block.Has(series, step)) samples += histogram->SampleCost() - 1;
    }
  }
  return samples;
}

// The value of the only step, at `count` steps.
Block Broadcast(const Block& one, size_t count) {
  if (one.list() == nullptr) return Block(count);
  Block block(one.list(), count);
  for (size_t series = 0; series < one.series(); ++series) {
    block.set_drop_name(series, one.drop_name(series));
    if (!one.Has(series, 0)) continue;
    const HistogramPtr& histogram = one.Histogram(series, 0);
    for (size_t step = 0; step < count; ++step) {
      if (histogram != nullptr) {
        block.Set(series, step, histogram);
      } else {
        block.Set(series, step, one.Value(series, 0));
      }
    }
  }
  return block;
}

Block ScalarBlock(size_t steps, double value) {
  Block block(steps);
  block.AddSeries(Labels());
  for (size_t step = 0; step < steps; ++step) block.Set(0, step, value);
  return block;
}

}  // namespace

Evaluator::Evaluator(const EvaluatorContext& context)
    : context_(context),
      metric_name_(context.symbols.Intern(kMetricName)),
      metric_type_(context.symbols.Intern("__type__")),
      metric_unit_(context.symbols.Intern("__unit__")) {}

void Evaluator::ForgetAfter(size_t query) {
  for (std::vector<Kept>& blocks : kept_) {
    std::erase_if(blocks, [query](const Kept& kept) { return kept.last_query <= query; });
  }
}

Result<Block> Evaluator::Evaluate(const PlanEdge& edge, const Steps& steps) {
  const PlanNode& node = *edge.node;
  if (node.uses <= 1) return Compute(node, steps);
  if (kept_.size() <= node.id) kept_.resize(node.id + 1);
  const int32_t shift = edge.begin - node.position.begin;
  for (const Kept& kept : kept_[node.id]) {
    if (kept.steps != steps) continue;
    annotations_->Merge(kept.annotations, shift);
    return *kept.block;
  }
  Annotations own;
  Annotations* const outer = std::exchange(annotations_, &own);
  Result<Block> block = Compute(node, steps);
  annotations_ = outer;
  outer->Merge(own, shift);
  if (!block.ok()) return block;
  kept_[node.id].push_back(
      {steps, node.last_query, std::make_shared<const Block>(*block), std::move(own)});
  return block;
}

Result<Block> Evaluator::Compute(const PlanNode& node, const Steps& steps) {
  RETURN_IF_ERROR(budget_->CheckAlive());
  const size_t held = budget_->held();
  const size_t held_bytes = budget_->held_bytes();
  Block block;
  if (node.invariant && steps.count > 1) {
    QueryBudget::Looked looked = budget_->BeginPart();
    ASSIGN_OR_RETURN(const Block one, ComputeNode(node, Steps{steps.start_ms, steps.step_ms, 1}));
    budget_->EndPart(std::move(looked), steps.count);
    RETURN_IF_ERROR(budget_->HoldBytes(Block::BytesFor(one.series(), steps.count)));
    block = Broadcast(one, steps.count);
  } else {
    ASSIGN_OR_RETURN(block, ComputeNode(node, steps));
  }
  budget_->ReleaseTo(held);
  budget_->ReleaseBytesTo(held_bytes);
  RETURN_IF_ERROR(budget_->Hold(SamplesOf(block)));
  RETURN_IF_ERROR(budget_->HoldBytes(block.Bytes()));
  return block;
}

Result<Block> Evaluator::ComputeNode(const PlanNode& node, const Steps& steps) {
  if (const auto* number = node.expr->As<NumberLiteral>()) {
    return ScalarBlock(steps.count, number->value);
  }
  if (node.expr->As<StringLiteral>() != nullptr) return Block(steps.count);
  if (node.expr->As<VectorSelector>() != nullptr) return ReadInstant(node, steps, Read::kValue);
  if (node.expr->As<Unary>() != nullptr) return ComputeNegation(node, steps);
  if (const auto* call = node.expr->As<Call>()) return ComputeCall(node, *call, steps);
  if (node.expr->As<Aggregate>() != nullptr) return Aggregated(*this, node, steps);
  if (node.expr->As<Binary>() != nullptr) return BinaryResult(*this, node, steps);
  return InternalError("a range vector stands where an instant vector is due");
}

Result<Block> Evaluator::ComputeNegation(const PlanNode& node, const Steps& steps) {
  ASSIGN_OR_RETURN(Block block, Evaluate(node.inputs[0], steps));
  for (size_t series = 0; series < block.series(); ++series) {
    for (double& value : block.Row(series)) value = -value;
    if (!block.has_histograms()) continue;
    for (size_t step = 0; step < block.steps(); ++step) {
      const HistogramPtr& histogram = block.Histogram(series, step);
      if (histogram == nullptr) continue;
      auto negated = std::make_shared<FloatHistogram>(*histogram);
      negated->Mul(-1);
      block.Set(series, step, std::move(negated));
    }
  }
  if (node.expr->type == ValueType::kScalar) return block;
  RETURN_IF_ERROR(DropNames(block, node));
  return block;
}

int64_t Evaluator::LookAt(const LookTime& time, int64_t step_ms) const {
  int64_t at = step_ms;
  if (time.at) {
    switch (time.at->kind) {
      case AtModifier::Kind::kTime:
        at = time.at->t_ms;
        break;
      case AtModifier::Kind::kStart:
        at = context_.query_steps.start_ms;
        break;
      case AtModifier::Kind::kEnd:
        at = context_.query_end_ms;
        break;
    }
  }
  return at - time.offset_ms;
}

Labels Evaluator::WithoutName(const Labels& labels) const {
  constexpr size_t kUsual = 32;
  std::array<LabelPair, kUsual> usual;
  std::vector<LabelPair> many(labels.size() > kUsual ? labels.size() : 0);
  LabelPair* const pairs = many.empty() ? usual.data() : many.data();
  const auto* const end = std::copy_if(labels.begin(), labels.end(), pairs, [this](LabelPair pair) {
    return pair.name != metric_name_ && pair.name != metric_type_ && pair.name != metric_unit_;
  });
  const auto kept = static_cast<size_t>(end - pairs);
  return kept == labels.size() ? labels : Labels::FromSortedPairs({pairs, kept});
}

bool Evaluator::HaveOneName(const PlanNode& node, const SeriesListPtr& list) const {
  NodeMemory& memory = context_.memory.Of(node.id);
  if (memory.names_of == list && list != nullptr) return memory.one_name;
  memory.names_of = list;
  const std::array<SymbolId, 3> names = dropped_names();
  // Labels are sorted by the ids of their names: mostly the last one shows that there is no type
  // and no unit.
  const SymbolId other_name = std::min(names[1], names[2]);
  const auto values_of = [&](const Labels& labels) {
    std::array<SymbolId, 3> values{labels.Get(names[0])};
    if (labels.empty() || std::prev(labels.end())->name < other_name) return values;
    return std::array{values[0], labels.Get(names[1]), labels.Get(names[2])};
  };
  const std::array<SymbolId, 3> first = list->empty() ? names : values_of(list->front());
  memory.one_name = true;
  for (size_t row = 0; row < list->size() && memory.one_name; ++row) {
    PrefetchLabels(*list, row);
    memory.one_name = values_of((*list)[row]) == first;
  }
  return memory.one_name;
}

Status Evaluator::DropNames(Block& block, const PlanNode& node, Rows rows) {
  if (block.series() == 0) return Ok();
  if (context_.options.delayed_name_removal) {
    block.DropAllNames();
    return Ok();
  }
  NodeMemory& memory = context_.memory.Of(node.id);
  if (memory.unnamed_from != block.list()) {
    memory.unnamed_unique = rows == Rows::kDistinct && HaveOneName(node, block.list());
    auto unnamed = std::make_shared<SeriesList>();
    unnamed->reserve(block.series());
    for (const Labels& labels : *block.list()) unnamed->push_back(WithoutName(labels));
    memory.unnamed_from = block.list();
    memory.unnamed = std::move(unnamed);
  }
  block.SetList(memory.unnamed);
  if (memory.unnamed_unique) return Ok();
  const size_t before = block.series();
  RETURN_IF_ERROR(MergeEqualRows(block));
  memory.unnamed_unique = block.series() == before;
  return Ok();
}

Status Evaluator::ApplyDelayedNames(Block& block) {
  bool any = false;
  for (size_t series = 0; series < block.series(); ++series) {
    if (!block.drop_name(series)) continue;
    block.SetLabels(series, WithoutName(block.labels(series)));
    block.set_drop_name(series, false);
    any = true;
  }
  return any ? MergeEqualRows(block) : Ok();
}

Status Evaluator::MergeEqualRows(Block& block, std::string_view error) {
  LabelIndex index;
  std::vector<size_t> first_of;                  // by number
  std::vector<std::pair<size_t, size_t>> equal;  // later row, first row
  for (size_t series = 0; series < block.series(); ++series) {
    const LabelIndex::Entry entry = index.Find(block.labels(series));
    if (entry.fresh) {
      first_of.push_back(series);
    } else {
      equal.emplace_back(series, first_of[entry.number]);
    }
  }
  if (equal.empty()) return Ok();
  for (const auto& [later, first] : equal) {
    for (size_t step = 0; step < block.steps(); ++step) {
      if (!block.Has(later, step)) continue;
      if (block.Has(first, step)) {
        return ExecutionError(std::string(error));
      }
      if (const HistogramPtr histogram = block.Histogram(later, step); histogram != nullptr) {
        block.Set(first, step, histogram);
      } else {
        block.Set(first, step, block.Value(later, step));
      }
      block.Clear(later, step);
    }
  }
  Block merged(block.steps());
  for (size_t series = 0, skipped = 0; series < block.series(); ++series) {
    if (skipped < equal.size() && equal[skipped].first == series) {
      ++skipped;
      continue;
    }
    const size_t row = merged.AddSeries(block.labels(series), block.drop_name(series));
    for (size_t step = 0; step < block.steps(); ++step) {
      if (!block.Has(series, step)) continue;
      if (const HistogramPtr& histogram = block.Histogram(series, step); histogram != nullptr) {
        merged.Set(row, step, histogram);
      } else {
        merged.Set(row, step, block.Value(series, step));
      }
    }
  }
  block = std::move(merged);
  return Ok();
}

}  // namespace tocsin::promql
