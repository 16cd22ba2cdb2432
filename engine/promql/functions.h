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

// functions_special.cc: they look at their argument's expression or read it themselves.
Result<Block> SpecialAbsent(Evaluator& evaluator, const PlanNode& node, const Steps& steps);
Result<Block> SpecialAbsentOverTime(Evaluator& evaluator, const PlanNode& node, const Steps& steps);
Result<Block> SpecialTimestamp(Evaluator& evaluator, const PlanNode& node, const Steps& steps);
Result<Block> SpecialStartTimestamp(Evaluator& evaluator, const PlanNode& node, const Steps& steps);

}  // namespace tocsin::promql
