#include <algorithm>

#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"

namespace tocsin::lint {
namespace {

using promql::BinaryOp;
using promql::Expr;

BinaryOp Mirrored(BinaryOp op) {
  switch (op) {
    case BinaryOp::kLess:
      return BinaryOp::kGreater;
    case BinaryOp::kLessEqual:
      return BinaryOp::kGreaterEqual;
    case BinaryOp::kGreater:
      return BinaryOp::kLess;
    case BinaryOp::kGreaterEqual:
      return BinaryOp::kLessEqual;
    case BinaryOp::kEqual:
    case BinaryOp::kNotEqual:
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
    case BinaryOp::kMul:
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
    case BinaryOp::kPow:
    case BinaryOp::kAtan2:
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kUnless:
    case BinaryOp::kTrimUpper:
    case BinaryOp::kTrimLower:
      break;
  }
  return op;
}

void Collect(const Expr& expr, std::vector<Threshold>& into) {
  const Expr& bare = promql::Unwrapped(expr);
  const auto* binary = bare.As<promql::Binary>();
  if (binary == nullptr) return;
  if (promql::IsSetOperator(binary->op)) {
    Collect(*binary->lhs, into);
    Collect(*binary->rhs, into);
    return;
  }
  if (!promql::IsComparison(binary->op) || binary->return_bool) return;
  const std::optional<double> left = ConstantOf(*binary->lhs);
  const std::optional<double> right = ConstantOf(*binary->rhs);
  if (right && !left) {
    into.push_back({.comparison = &bare, .value = binary->lhs, .op = binary->op, .limit = *right});
    Collect(*binary->lhs, into);  // 1 < x < 2
  } else if (left && !right) {
    into.push_back(
        {.comparison = &bare, .value = binary->rhs, .op = Mirrored(binary->op), .limit = *left});
  }
}

}  // namespace

std::vector<Threshold> ThresholdsOf(const Expr& root) {
  std::vector<Threshold> thresholds;
  Collect(root, thresholds);
  return thresholds;
}

std::vector<FoundSelector> SelectorsBelow(const Expr& expr) {
  std::vector<FoundSelector> found;
  Walk(expr, [&](const Expr& part, Ancestors) {
    if (const promql::VectorSelector* selector = SelectorOf(part)) {
      found.push_back({&part, selector});
    }
  });
  return found;
}

std::string JobOf(const LintInput& input) {
  if (input.config == nullptr) return "my-app";
  // Exporters' jobs are told by their ports; what remains is the application.
  const ScrapeConfig* app = nullptr;
  for (const ScrapeConfig& job : input.config->scrape_configs) {
    const bool exporter = std::ranges::any_of(job.static_configs, [](const StaticTargets& group) {
      return std::ranges::any_of(group.targets, [](const std::string& target) {
        return target.find(":9") != std::string::npos;
      });
    });
    if (!exporter && app == nullptr) app = &job;
  }
  return app == nullptr ? "my-app" : app->job_name;
}

Duration RuleContext::ScrapeIntervalOf(const promql::VectorSelector& selector) const {
  if (input.config == nullptr) return input.scrape_interval();
  const Config& config = *input.config;
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() != "job" || matcher.op() != MatchOp::kEqual) continue;
    for (const ScrapeConfig& job : config.scrape_configs) {
      if (job.job_name == matcher.value()) return job.scrape_interval;
    }
  }
  const MetricShape* metric = Metric(selector);
  if (metric == nullptr) return input.scrape_interval();
  // "the collector postgres", or a job that is called so.
  const std::string owner = metric->source.substr(metric->source.rfind(' ') + 1);
  for (const ScrapeConfig& job : config.scrape_configs) {
    if (job.job_name == owner) return job.scrape_interval;
  }
  return input.scrape_interval();
}

}  // namespace tocsin::lint
