// The kernels of the functions, grouped by the file that defines them. The rows of
// function_table.cc name them.
#pragma once

#include "engine/promql/function_table.h"

namespace tocsin::promql {

// functions_math.cc: one float at a time, and scalars.
double SampleAbs(double v);
double SampleAcos(double v);
double SampleAcosh(double v);
double SampleAsin(double v);
double SampleAsinh(double v);
double SampleAtan(double v);
double SampleAtanh(double v);
double SampleCeil(double v);
double SampleCos(double v);
double SampleCosh(double v);
double SampleDeg(double v);
double SampleExp(double v);
double SampleFloor(double v);
double SampleLn(double v);
double SampleLog10(double v);
double SampleLog2(double v);
double SampleRad(double v);
double SampleSgn(double v);
double SampleSin(double v);
double SampleSinh(double v);
double SampleSqrt(double v);
double SampleTan(double v);
double SampleTanh(double v);
Result<Block> VectorRound(const CallContext& context, std::vector<Block> args);
Result<Block> VectorClamp(const CallContext& context, std::vector<Block> args);
Result<Block> VectorClampMax(const CallContext& context, std::vector<Block> args);
Result<Block> VectorClampMin(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarMaxOf(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarMinOf(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarPi(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarTime(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarStart(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarEnd(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarRange(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarStep(const CallContext& context, std::vector<Block> args);
Result<Block> ScalarScalar(const CallContext& context, std::vector<Block> args);
Result<Block> VectorVector(const CallContext& context, std::vector<Block> args);

// functions_calendar.cc: parts of a date and time in UTC.
Result<Block> VectorDayOfMonth(const CallContext& context, std::vector<Block> args);
Result<Block> VectorDayOfWeek(const CallContext& context, std::vector<Block> args);
Result<Block> VectorDayOfYear(const CallContext& context, std::vector<Block> args);
Result<Block> VectorDaysInMonth(const CallContext& context, std::vector<Block> args);
Result<Block> VectorHour(const CallContext& context, std::vector<Block> args);
Result<Block> VectorMinute(const CallContext& context, std::vector<Block> args);
Result<Block> VectorMonth(const CallContext& context, std::vector<Block> args);
Result<Block> VectorYear(const CallContext& context, std::vector<Block> args);

// functions_labels.cc: labels, and the order of an instant vector.
Result<Block> VectorLabelJoin(const CallContext& context, std::vector<Block> args);
Result<Block> VectorLabelReplace(const CallContext& context, std::vector<Block> args);
Result<Block> VectorSort(const CallContext& context, std::vector<Block> args);
Result<Block> VectorSortDesc(const CallContext& context, std::vector<Block> args);
Result<Block> VectorSortByLabel(const CallContext& context, std::vector<Block> args);
Result<Block> VectorSortByLabelDesc(const CallContext& context, std::vector<Block> args);

// functions_rate.cc: rates and differences of counters and gauges.
Status RangeRate(const CallContext& context, const RangeArguments& args, const SeriesWindows& in,
                 RowWriter& out);
Status RangeIncrease(const CallContext& context, const RangeArguments& args,
                     const SeriesWindows& in, RowWriter& out);
Status RangeDelta(const CallContext& context, const RangeArguments& args, const SeriesWindows& in,
                  RowWriter& out);
Status RangeIrate(const CallContext& context, const RangeArguments& args, const SeriesWindows& in,
                  RowWriter& out);
Status RangeIdelta(const CallContext& context, const RangeArguments& args, const SeriesWindows& in,
                   RowWriter& out);

// functions_regression.cc: lines and smoothing.
Status RangeDeriv(const CallContext& context, const RangeArguments& args, const SeriesWindows& in,
                  RowWriter& out);
Status RangePredictLinear(const CallContext& context, const RangeArguments& args,
                          const SeriesWindows& in, RowWriter& out);
Status RangeDoubleExponentialSmoothing(const CallContext& context, const RangeArguments& args,
                                       const SeriesWindows& in, RowWriter& out);

// functions_over_time.cc: one value of all samples of a window.
Status RangeAvgOverTime(const CallContext& context, const RangeArguments& args,
                        const SeriesWindows& in, RowWriter& out);
Status RangeSumOverTime(const CallContext& context, const RangeArguments& args,
                        const SeriesWindows& in, RowWriter& out);
Status RangeCountOverTime(const CallContext& context, const RangeArguments& args,
                          const SeriesWindows& in, RowWriter& out);
Status RangePresentOverTime(const CallContext& context, const RangeArguments& args,
                            const SeriesWindows& in, RowWriter& out);
Status RangeLastOverTime(const CallContext& context, const RangeArguments& args,
                         const SeriesWindows& in, RowWriter& out);
Status RangeFirstOverTime(const CallContext& context, const RangeArguments& args,
                          const SeriesWindows& in, RowWriter& out);
Status RangeMinOverTime(const CallContext& context, const RangeArguments& args,
                        const SeriesWindows& in, RowWriter& out);
Status RangeMaxOverTime(const CallContext& context, const RangeArguments& args,
                        const SeriesWindows& in, RowWriter& out);
Status RangeTsOfMinOverTime(const CallContext& context, const RangeArguments& args,
                            const SeriesWindows& in, RowWriter& out);
Status RangeTsOfMaxOverTime(const CallContext& context, const RangeArguments& args,
                            const SeriesWindows& in, RowWriter& out);
Status RangeTsOfFirstOverTime(const CallContext& context, const RangeArguments& args,
                              const SeriesWindows& in, RowWriter& out);
Status RangeTsOfLastOverTime(const CallContext& context, const RangeArguments& args,
                             const SeriesWindows& in, RowWriter& out);
Status RangeStdvarOverTime(const CallContext& context, const RangeArguments& args,
                           const SeriesWindows& in, RowWriter& out);
Status RangeStddevOverTime(const CallContext& context, const RangeArguments& args,
                           const SeriesWindows& in, RowWriter& out);
Status RangeQuantileOverTime(const CallContext& context, const RangeArguments& args,
                             const SeriesWindows& in, RowWriter& out);
Status RangeMadOverTime(const CallContext& context, const RangeArguments& args,
                        const SeriesWindows& in, RowWriter& out);
Status RangeChanges(const CallContext& context, const RangeArguments& args, const SeriesWindows& in,
                    RowWriter& out);
Status RangeResets(const CallContext& context, const RangeArguments& args, const SeriesWindows& in,
                   RowWriter& out);

// functions_histogram.cc: native and classic histograms.
Result<Block> VectorHistogramAvg(const CallContext& context, std::vector<Block> args);
Result<Block> VectorHistogramCount(const CallContext& context, std::vector<Block> args);
Result<Block> VectorHistogramSum(const CallContext& context, std::vector<Block> args);
Result<Block> VectorHistogramStdvar(const CallContext& context, std::vector<Block> args);
Result<Block> VectorHistogramStddev(const CallContext& context, std::vector<Block> args);
Result<Block> VectorHistogramQuantile(const CallContext& context, std::vector<Block> args);
Result<Block> VectorHistogramQuantiles(const CallContext& context, std::vector<Block> args);
Result<Block> VectorHistogramFraction(const CallContext& context, std::vector<Block> args);

// functions_special.cc: they look at their argument's expression or read it themselves.
Result<Block> SpecialAbsent(Evaluator& evaluator, const PlanNode& node, const Steps& steps);
Result<Block> SpecialAbsentOverTime(Evaluator& evaluator, const PlanNode& node, const Steps& steps);
Result<Block> SpecialTimestamp(Evaluator& evaluator, const PlanNode& node, const Steps& steps);
Result<Block> SpecialStartTimestamp(Evaluator& evaluator, const PlanNode& node, const Steps& steps);

// functions_info.cc
Result<Block> SpecialInfo(Evaluator& evaluator, const PlanNode& node, const Steps& steps);

}  // namespace tocsin::promql
