#include "engine/promql/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/promql/parser.h"

namespace tocsin::promql {
namespace {

template <typename... Cases>
struct Visitor : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Visitor(Cases...) -> Visitor<Cases...>;

// Go's math.Mod and time arithmetic work on the same doubles.
double Combine(DurationExpr::Op op, double lhs, double rhs) {
  using enum DurationExpr::Op;
  switch (op) {
    case kMin:
      return std::fmin(lhs, rhs);
    case kMax:
      return std::fmax(lhs, rhs);
    case kAdd:
      return lhs + rhs;
    case kSub:
      return lhs - rhs;
    case kMul:
      return lhs * rhs;
    case kDiv:
      return lhs / rhs;
    case kMod:
      return std::fmod(lhs, rhs);
    case kPow:
      return std::pow(lhs, rhs);
    case kNumber:
    case kStep:
    case kRange:
    case kNegate:
    case kPlus:
      break;
  }
  return 0;
}

void AppendNumber(std::string& key, int64_t number) {
  key += ' ';
  key += std::to_string(number);
}

}  // namespace

const Expr& Unwrapped(const Expr& expr) {
  const Expr* inner = &expr;
  while (true) {
    if (const Paren* paren = inner->As<Paren>()) {
      inner = paren->expr;
    } else if (const Unary* unary = inner->As<Unary>(); unary != nullptr && !unary->negate) {
      inner = unary->expr;
    } else {
      return *inner;
    }
  }
}

bool MayRead(const VectorSelector& selector, std::string_view metric) {
  return std::ranges::all_of(selector.matchers, [metric](const Matcher& matcher) {
    return matcher.name() != kMetricName || matcher.Matches(metric);
  });
}

Result<PlanEdge> Plan::Add(const ParsedQuery& query, const PlanTimes& times) {
  text_ = query.text();
  times_ = times;
  ASSIGN_OR_RETURN(const PlanEdge root, Build(query.root(), ""));
  ++queries_;
  return root;
}

void Plan::Invalidate(std::string_view written_metric) {
  // Inputs stand before what they are inputs of.
  std::vector<bool> reads(nodes_.size());
  for (const auto& node : nodes_) {
    // info() reads metrics that it need not name.
    const Call* call = node->expr->As<Call>();
    reads[node->id] =
        (call != nullptr && call->function->name == "info") ||
        (node->selector != nullptr && MayRead(*node->selector, written_metric)) ||
        std::ranges::any_of(node->inputs, [&](PlanEdge input) { return reads[input.node->id]; });
  }
  std::erase_if(shared_, [&](const auto& entry) { return reads[entry.second->id]; });
}

Result<PlanEdge> Plan::Build(const Expr& wrapped, std::string_view hint) {
  const Expr& expr = Unwrapped(wrapped);
  auto node = std::make_unique<PlanNode>();
  node->expr = &expr;
  node->position = expr.position;
  node->hint = hint;
  RETURN_IF_ERROR(ReadTimes(*node));
  node->detects_resets = node->selector != nullptr && in_histogram_figures_;
  const bool outside = in_histogram_figures_;
  if (const Call* call = expr.As<Call>()) {
    in_histogram_figures_ =
        (outside || call->function->histogram_figure) && !call->function->histogram_buckets;
  }
  RETURN_IF_ERROR(BuildInputs(*node));
  in_histogram_figures_ = outside;
  node->invariant = IsInvariant(*node);
  const auto [entry, fresh] = shared_.try_emplace(KeyOf(*node), node.get());
  if (fresh) {
    node->id = nodes_.size();
    nodes_.push_back(std::move(node));
  } else {
    // The inputs are not asked a second time.
    for (const PlanEdge& input : node->inputs) --input.node->uses;
  }
  PlanNode* shared = entry->second;
  ++shared->uses;
  shared->last_query = queries_;
  return PlanEdge{shared, expr.position.begin};
}

Status Plan::AddInput(PlanNode& node, const Expr& expr, std::string_view hint) {
  ASSIGN_OR_RETURN(const PlanEdge edge, Build(expr, hint));
  node.inputs.push_back(edge);
  return Ok();
}

Status Plan::BuildInputs(PlanNode& node) {
  return std::visit(
      Visitor{
          [](const NumberLiteral&) -> Status { return Ok(); },
          [](const StringLiteral&) -> Status { return Ok(); },
          [](const VectorSelector&) -> Status { return Ok(); },
          [](const MatrixSelector&) -> Status { return Ok(); },
          [](const Paren&) -> Status { return Ok(); },
          [&](const Subquery& subquery) -> Status { return AddInput(node, *subquery.expr, ""); },
          [&](const Unary& unary) -> Status { return AddInput(node, *unary.expr, ""); },
          [&](const Call& call) -> Status {
            for (const Expr* arg : call.args) {
              RETURN_IF_ERROR(AddInput(node, *arg, call.function->name));
            }
            return Ok();
          },
          [&](const Aggregate& aggregate) -> Status {
            RETURN_IF_ERROR(AddInput(node, *aggregate.expr, AggregateOpText(aggregate.op)));
            return aggregate.param == nullptr ? Ok() : AddInput(node, *aggregate.param, "");
          },
          [&](const Binary& binary) -> Status {
            RETURN_IF_ERROR(AddInput(node, *binary.lhs, ""));
            return AddInput(node, *binary.rhs, "");
          },
      },
      node.expr->node);
}

Status Plan::ReadTimes(PlanNode& node) const {
  const auto read_selector = [&](const VectorSelector& selector) -> Status {
    node.selector = &selector;
    if (selector.anchored) node.extension = Extension::kAnchored;
    if (selector.smoothed) node.extension = Extension::kSmoothed;
    ASSIGN_OR_RETURN(node.time, Look(selector.time));
    return Ok();
  };
  if (const auto* selector = node.expr->As<VectorSelector>()) return read_selector(*selector);
  if (const auto* matrix = node.expr->As<MatrixSelector>()) {
    RETURN_IF_ERROR(read_selector(*matrix->selector));
    node.range_ms = matrix->range_ms;
    if (matrix->range_expr != nullptr) {
      ASSIGN_OR_RETURN(node.range_ms, Resolve(*matrix->range_expr, false));
    }
    return Ok();
  }
  const auto* subquery = node.expr->As<Subquery>();
  if (subquery == nullptr) return Ok();
  ASSIGN_OR_RETURN(node.time, Look(subquery->time));
  node.range_ms = subquery->range_ms;
  if (subquery->range_expr != nullptr) {
    ASSIGN_OR_RETURN(node.range_ms, Resolve(*subquery->range_expr, false));
  }
  node.step_ms = subquery->step_ms > 0 ? subquery->step_ms : times_.default_step_ms;
  if (subquery->step_expr != nullptr) {
    ASSIGN_OR_RETURN(node.step_ms, Resolve(*subquery->step_expr, false));
  }
  return Ok();
}

Result<LookTime> Plan::Look(const TimeModifiers& time) const {
  LookTime look{.at = time.at, .offset_ms = time.offset_ms};
  if (time.offset_expr != nullptr) {
    ASSIGN_OR_RETURN(look.offset_ms, Resolve(*time.offset_expr, true));
  }
  return look;
}

bool Plan::IsInvariant(const PlanNode& node) const {
  if (node.expr->As<VectorSelector>() != nullptr || node.expr->As<MatrixSelector>() != nullptr ||
      node.expr->As<Subquery>() != nullptr) {
    return node.time.at.has_value();
  }
  if (const Call* call = node.expr->As<Call>(); call != nullptr) {
    if (call->function->depends_on_time) return false;
  }
  return std::ranges::all_of(node.inputs, [](PlanEdge input) { return input.node->invariant; });
}

// The text of the node without the texts of its inputs, and the inputs by id and place. Leaves
// count by what they mean.
std::string Plan::KeyOf(const PlanNode& node) const {
  std::string key = std::to_string(node.expr->node.index());
  const auto begin = static_cast<size_t>(node.position.begin);
  const size_t end = std::min(static_cast<size_t>(node.position.end), text_.size());
  size_t at = begin;
  for (const PlanEdge& input : node.inputs) {
    AppendNumber(key, static_cast<int64_t>(input.node->id));
    AppendNumber(key, input.begin - node.position.begin);
    const auto input_begin = static_cast<size_t>(input.begin);
    const auto length = static_cast<size_t>(input.node->position.end - input.node->position.begin);
    key += '\0';
    if (input_begin > at) key += text_.substr(at, input_begin - at);
    at = std::max(at, input_begin + length);
  }
  key += '\0';
  if (at < end) key += text_.substr(at, end - at);
  key += '\0';
  if (node.inputs.empty()) key += Print(*node.expr);
  if (const Aggregate* aggregate = node.expr->As<Aggregate>()) {
    key += aggregate->without ? "without" : "by";
    for (const std::string& label : aggregate->grouping) key.append(1, '\0').append(label);
  }
  if (node.time.at) {
    AppendNumber(key, static_cast<int64_t>(node.time.at->kind));
    AppendNumber(key, node.time.at->t_ms);
  }
  AppendNumber(key, node.detects_resets ? 1 : 0);
  for (const int64_t number : {node.time.offset_ms, node.range_ms, node.step_ms}) {
    AppendNumber(key, number);
  }
  return key;
}

Result<double> Plan::Seconds(const DurationExpr& expr) const {
  using enum DurationExpr::Op;
  if (expr.op == kNumber) return expr.seconds;
  if (expr.op == kStep) return static_cast<double>(times_.step_ms) / 1000;
  if (expr.op == kRange) return static_cast<double>(times_.range_ms) / 1000;
  ASSIGN_OR_RETURN(const double rhs, Seconds(*expr.rhs));
  if (expr.op == kNegate) return -rhs;
  if (expr.op == kPlus) return rhs;
  ASSIGN_OR_RETURN(const double lhs, Seconds(*expr.lhs));
  if (rhs == 0 && expr.op == kDiv) return InvalidArgument("division by zero");
  if (rhs == 0 && expr.op == kMod) return InvalidArgument("modulo by zero");
  return Combine(expr.op, lhs, rhs);
}

Result<int64_t> Plan::Resolve(const DurationExpr& expr, bool offset) const {
  const Result<double> seconds = Seconds(expr);
  const auto fail = [&](const std::string& message) {
    return InvalidArgument(FormatParseError(text_, {expr.position, message}));
  };
  if (!seconds.ok()) return fail(seconds.error().message);
  if (!offset && !(*seconds > 0)) return fail("duration must be greater than 0");
  if (!(std::fabs(*seconds) <= 0x1p63 / 1e9)) return fail("duration is out of range");
  return static_cast<int64_t>(*seconds * 1000);
}

}  // namespace tocsin::promql
