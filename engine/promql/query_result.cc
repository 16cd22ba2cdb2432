#include "engine/promql/query_result.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tocsin::promql {
namespace {

// Puts rows in Prometheus' order of their labels: by the texts of the pairs, which are sorted by
// name. Each text is compared with others once, when all of them get their ranks; after that only
// numbers are compared.
class RowOrder {
 public:
  RowOrder(const SymbolTable& symbols, const Block& block) : symbols_(symbols) {
    for (size_t row = 0; row < block.series(); ++row) {
      if (block.AnyPresent(row)) Add(row, block.labels(row));
    }
  }

  std::vector<size_t> Sorted() && {
    const std::vector<uint64_t> ranks = Ranks();
    for (Key& key : keys_) {
      const std::span<uint64_t> pairs = PairsOf(key);
      for (uint64_t& pair : pairs) pair = ranks[pair >> 32] << 32 | ranks[pair & kLow];
      std::ranges::sort(pairs);
    }
    std::ranges::sort(keys_, [this](const Key& a, const Key& b) {
      return std::ranges::lexicographical_compare(PairsOf(a), PairsOf(b));
    });
    std::vector<size_t> rows;
    rows.reserve(keys_.size());
    for (const Key& key : keys_) rows.push_back(key.row);
    return rows;
  }

 private:
  struct Key {
    size_t row;
    size_t begin;
    size_t end;
  };
  // No label has the empty text as its name or its value, of which this is the id.
  struct Numbered {
    LabelPair pair{kEmptySymbol, kEmptySymbol};
    uint64_t name = 0;
    uint64_t value = 0;
  };
  static constexpr uint64_t kLow = 0xFFFFFFFF;

  // Rows mostly have the names of the row before at the same places, and some of its values.
  void Add(size_t row, const Labels& labels) {
    const size_t begin = pairs_.size();
    before_.resize(labels.size());
    for (size_t i = 0; i < labels.size(); ++i) {
      const LabelPair& pair = labels.begin()[i];
      Numbered& before = before_[i];
      if (before.pair.name != pair.name) before.name = NumberOf(pair.name);
      if (before.pair.value != pair.value) before.value = NumberOf(pair.value);
      before.pair = pair;
      pairs_.push_back(before.name << 32 | before.value);
    }
    keys_.push_back({row, begin, pairs_.size()});
  }

  uint64_t NumberOf(SymbolId id) {
    const auto [entry, fresh] = numbers_.try_emplace(id, texts_.size());
    if (fresh) texts_.push_back(symbols_.Text(id));
    return entry->second;
  }

  // By number. Two ids may have one text: of a query's own symbols and of the store's.
  std::vector<uint64_t> Ranks() const {
    std::vector<size_t> sorted(texts_.size());
    std::iota(sorted.begin(), sorted.end(), size_t{0});
    std::ranges::sort(sorted, {}, [this](size_t number) { return texts_[number]; });
    std::vector<uint64_t> ranks(texts_.size());
    uint64_t rank = 0;
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (i > 0 && texts_[sorted[i]] != texts_[sorted[i - 1]]) ++rank;
      ranks[sorted[i]] = rank;
    }
    return ranks;
  }

  std::span<uint64_t> PairsOf(const Key& key) {
    return std::span(pairs_).subspan(key.begin, key.end - key.begin);
  }

  const SymbolTable& symbols_;
  std::unordered_map<SymbolId, uint64_t> numbers_;
  std::vector<std::string_view> texts_;  // by number
  std::vector<Numbered> before_;
  std::vector<Key> keys_;
  std::vector<uint64_t> pairs_;  // of all rows: name and value, as numbers and then as ranks
};

enum class Order { kByLabels, kAsComputed };

std::vector<size_t> RowsToShow(Evaluator& evaluator, const Block& block, Order order) {
  if (order == Order::kByLabels) return RowOrder(evaluator.symbols(), block).Sorted();
  std::vector<size_t> rows;
  for (size_t series = 0; series < block.series(); ++series) {
    if (block.AnyPresent(series)) rows.push_back(series);
  }
  return rows;
}

QueryTable ResultOf(Evaluator& evaluator, Block block, ValueType type, Order order) {
  const bool range_query = evaluator.context().range_query;
  const Steps& steps = evaluator.context().query_steps;
  if (!range_query && type == ValueType::kScalar) {
    return ScalarValue{steps.start_ms, block.Value(0, 0)};
  }
  std::vector<size_t> rows = RowsToShow(evaluator, block, range_query ? Order::kByLabels : order);
  return ResultRows{.kind = range_query ? ResultRows::Kind::kMatrix : ResultRows::Kind::kVector,
                    .block = std::move(block),
                    .steps = steps,
                    .rows = std::move(rows)};
}

// An instant query for a range vector: what its window holds.
Result<QueryTable> WindowResult(Evaluator& evaluator, const PlanNode& node) {
  ASSIGN_OR_RETURN(const RangeSource source,
                   evaluator.OpenRange(node, evaluator.context().query_steps));
  RangeSource::Buffers buffers;
  MatrixValue matrix;
  for (size_t series = 0; series < source.size(); ++series) {
    RETURN_IF_ERROR(evaluator.budget().CheckAlive());
    ASSIGN_OR_RETURN(const SeriesWindows in, source.Read(series, buffers));
    RETURN_IF_ERROR(evaluator.budget().Hold(CostOf(buffers.columns)));
    const Window& window = in.windows.front();
    if (window.first == window.last) continue;
    const Labels labels = source.drop_name(series) ? evaluator.WithoutName(in.labels) : in.labels;
    MatrixElement& element = matrix.emplace_back();
    element.labels = labels.ToLabelSet(evaluator.symbols());
    const auto inside = [&window](const auto& column) {
      const auto part = column.subspan(window.first, window.last - window.first);
      return std::vector(part.begin(), part.end());
    };
    element.points = {std::make_shared<const std::vector<int64_t>>(inside(in.t_ms)),
                      inside(in.values),
                      in.histograms.empty() ? std::vector<HistogramPtr>() : inside(in.histograms)};
  }
  std::ranges::sort(matrix, {}, &MatrixElement::labels);
  return QueryTable(std::move(matrix));
}

// Whether the expression puts its series in an order of its own. The others are sorted by labels,
// so that the first element of a result is the same one each time.
bool HasOrder(const Expr& expr) {
  const Expr& root = Unwrapped(expr);
  if (const Call* call = root.As<Call>()) return call->function->orders;
  if (const Aggregate* aggregate = root.As<Aggregate>()) {
    return aggregate->op == AggregateOp::kTopk || aggregate->op == AggregateOp::kBottomk;
  }
  // Comparisons with a number leave the order of their vector.
  if (const Binary* binary = root.As<Binary>()) {
    return HasOrder(*binary->lhs) || HasOrder(*binary->rhs);
  }
  return false;
}

}  // namespace

Result<QueryTable> ResultOfQuery(Evaluator& evaluator, const PlanEdge& root, const Expr& expr,
                                 QueryBudget& budget, Annotations& annotations) {
  evaluator.Attach(budget, annotations);
  if (const auto* text = Unwrapped(expr).As<StringLiteral>()) {
    return QueryTable(StringValue{evaluator.context().query_steps.start_ms, text->value});
  }
  if (expr.type == ValueType::kMatrix) return WindowResult(evaluator, *root.node);
  ASSIGN_OR_RETURN(Block block, evaluator.Evaluate(root, evaluator.context().query_steps));
  RETURN_IF_ERROR(evaluator.ApplyDelayedNames(block));
  return ResultOf(evaluator, std::move(block), expr.type,
                  HasOrder(expr) ? Order::kAsComputed : Order::kByLabels);
}

}  // namespace tocsin::promql
