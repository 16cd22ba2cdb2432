// Functions that work on one float at a time, and scalars. Prometheus' promql/functions.go.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/promql/functions.h"

namespace tocsin::promql {

namespace {

// Go's math.Max and math.Min: an infinity of the right sign beats NaN, NaN beats the rest.
double GoMax(double a, double b) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
double GoMin(double a, double b) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (a == -kInf || b == -kInf) return -kInf;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

Block ScalarBlock(size_t steps) {
  Block block(steps);
  block.AddSeries(Labels());
  return block;
}

// Changes every float by change(value, step) and drops histograms.
template <typename Change>
Block ChangeFloats(Block block, Change change) {
  for (size_t series = 0; series < block.series(); ++series) {
    for (size_t step = 0; step < block.steps(); ++step) {
      if (!block.Has(series, step)) continue;
      if (block.has_histograms() && block.Histogram(series, step) != nullptr) {
        block.Clear(series, step);
      } else {
        block.Set(series, step, change(block.Value(series, step), step));
      }
    }
  }
  return block;
}

template <typename Combine>
Block CombineScalars(const CallContext& context, const std::vector<Block>& args, Combine combine) {
  Block block = ScalarBlock(context.steps.count);
  for (size_t step = 0; step < block.steps(); ++step) {
    block.Set(0, step, combine(args[0].Value(0, step), args[1].Value(0, step)));
  }
  return block;
}

template <typename At>
Block FillScalar(const CallContext& context, At at) {
  Block block = ScalarBlock(context.steps.count);
  for (size_t step = 0; step < block.steps(); ++step) block.Set(0, step, at(step));
  return block;
}

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

}  // namespace

double SampleAbs(double v) { return std::fabs(v); }
double SampleAcos(double v) { return std::acos(v); }
double SampleAcosh(double v) { return std::acosh(v); }
double SampleAsin(double v) { return std::asin(v); }
double SampleAsinh(double v) { return std::asinh(v); }
double SampleAtan(double v) { return std::atan(v); }
double SampleAtanh(double v) { return std::atanh(v); }
double SampleCeil(double v) { return std::ceil(v); }
double SampleCos(double v) { return std::cos(v); }
double SampleCosh(double v) { return std::cosh(v); }
double SampleDeg(double v) { return v * 180 / std::numbers::pi; }
double SampleExp(double v) { return std::exp(v); }
double SampleFloor(double v) { return std::floor(v); }
double SampleLn(double v) { return std::log(v); }
double SampleLog10(double v) { return std::log10(v); }
double SampleLog2(double v) { return std::log2(v); }
double SampleRad(double v) { return v * std::numbers::pi / 180; }
double SampleSgn(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }
double SampleSin(double v) { return std::sin(v); }
double SampleSinh(double v) { return std::sinh(v); }
double SampleSqrt(double v) { return std::sqrt(v); }
double SampleTan(double v) { return std::tan(v); }
double SampleTanh(double v) { return std::tanh(v); }

Result<Block> VectorRound(const CallContext& /*context*/, std::vector<Block> args) {
  const Block* nearest = args.size() > 1 ? &args[1] : nullptr;
  return ChangeFloats(std::move(args[0]), [nearest](double v, size_t step) {
    // Dividing by the inverse keeps decimals exact: 0.1 has none, 10 has.
    const double inverse = 1 / (nearest == nullptr ? 1 : nearest->Value(0, step));
    return std::floor(v * inverse + 0.5) / inverse;
  });
}

Result<Block> VectorClamp(const CallContext& /*context*/, std::vector<Block> args) {
  Block block = ChangeFloats(std::move(args[0]), [&](double v, size_t step) {
    return GoMax(args[1].Value(0, step), GoMin(args[2].Value(0, step), v));
  });
  for (size_t step = 0; step < block.steps(); ++step) {
    if (!(args[2].Value(0, step) < args[1].Value(0, step))) continue;
    for (size_t series = 0; series < block.series(); ++series) block.Clear(series, step);
  }
  return block;
}

Result<Block> VectorClampMax(const CallContext& /*context*/, std::vector<Block> args) {
  return ChangeFloats(std::move(args[0]),
                      [&](double v, size_t step) { return GoMin(args[1].Value(0, step), v); });
}

Result<Block> VectorClampMin(const CallContext& /*context*/, std::vector<Block> args) {
  return ChangeFloats(std::move(args[0]),
                      [&](double v, size_t step) { return GoMax(args[1].Value(0, step), v); });
}

Result<Block> ScalarMaxOf(const CallContext& context, std::vector<Block> args) {
  return CombineScalars(context, args, GoMax);
}

Result<Block> ScalarMinOf(const CallContext& context, std::vector<Block> args) {
  return CombineScalars(context, args, GoMin);
}

Result<Block> ScalarPi(const CallContext& context, std::vector<Block> /*args*/) {
  return FillScalar(context, [](size_t) { return std::numbers::pi; });
}

Result<Block> ScalarTime(const CallContext& context, std::vector<Block> /*args*/) {
  return FillScalar(context, [&](size_t step) { return Seconds(context.steps.At(step)); });
}

Result<Block> ScalarStart(const CallContext& context, std::vector<Block> /*args*/) {
  return FillScalar(context, [&](size_t) { return Seconds(context.query_steps.start_ms); });
}

Result<Block> ScalarEnd(const CallContext& context, std::vector<Block> /*args*/) {
  return FillScalar(context, [&](size_t) { return Seconds(context.query_end_ms); });
}

Result<Block> ScalarRange(const CallContext& context, std::vector<Block> /*args*/) {
  return FillScalar(context, [&](size_t) {
    return Seconds(context.query_end_ms - context.query_steps.start_ms);
  });
}

Result<Block> ScalarStep(const CallContext& context, std::vector<Block> /*args*/) {
  const double step_seconds = context.range_query ? Seconds(context.query_steps.step_ms) : 0;
  return FillScalar(context, [&](size_t) { return step_seconds; });
}

// The only float of a step, NaN when there are none or several. Histograms do not count.
Result<Block> ScalarScalar(const CallContext& context, std::vector<Block> args) {
  const Block& in = args[0];
  return FillScalar(context, [&in](size_t step) {
    size_t found = 0;
    double value = std::numeric_limits<double>::quiet_NaN();
    for (size_t series = 0; series < in.series(); ++series) {
      if (!in.Has(series, step)) continue;
      if (in.has_histograms() && in.Histogram(series, step) != nullptr) continue;
      if (++found > 1) return std::numeric_limits<double>::quiet_NaN();
      value = in.Value(series, step);
    }
    return value;
  });
}

// A scalar is stored as the vector that this gives.
Result<Block> VectorVector(const CallContext& /*context*/, std::vector<Block> args) {
  return std::move(args[0]);
}

}  // namespace tocsin::promql
