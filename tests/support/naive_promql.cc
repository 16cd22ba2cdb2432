#include "tests/support/naive_promql.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/go_float.h"
#include "base/regex.h"
#include "engine/promql/function_table.h"
#include "tests/support/naive_data.h"
#include "tests/support/naive_extended.h"
#include "tests/support/naive_functions.h"
#include "tests/support/naive_notes.h"
#include "tests/support/naive_vectors.h"

namespace tocsin::testing_support {
namespace {

using promql::Aggregate;
using promql::AggregateOp;
using promql::Binary;
using promql::Call;
using promql::Expr;
using Vector = std::vector<NaiveElement>;

NaiveValue Scalar(double value) { return {.is_scalar = true, .scalar = value}; }

const Expr& Inside(const Expr& expr) {
  const auto* paren = expr.As<promql::Paren>();
  return paren == nullptr ? expr : Inside(*paren->expr);
}

class Naive {
 public:
  Naive(const std::vector<NaiveSeries>& data, const NaiveQuery& query, NaiveNotes& notes)
      : data_(data, query), query_(query), notes_(notes) {}

  Result<NaiveValue> At(const Expr& expr, int64_t t) const {
    if (const auto* number = expr.As<promql::NumberLiteral>()) return Scalar(number->value);
    if (const auto* paren = expr.As<promql::Paren>()) return At(*paren->expr, t);
    if (const auto* unary = expr.As<promql::Unary>()) return Signed(*unary, t);
    if (const auto* selector = expr.As<promql::VectorSelector>())
      return data_.Values(*selector, t, notes_);
    if (const auto* binary = expr.As<Binary>()) return OfBinary(*binary, t);
    if (const auto* aggregate = expr.As<Aggregate>()) return OfAggregate(*aggregate, t);
    if (const auto* call = expr.As<Call>()) return OfCall(*call, t);
    return InternalError("the naive evaluator does not know this expression");
  }

 private:
  // ---- ranges

  Result<std::vector<NaiveWindow>> Range(const Expr& expr, int64_t t) const {
    if (const auto* matrix = Inside(expr).As<promql::MatrixSelector>()) {
      return data_.Windows(*matrix, t);
    }
    const auto* subquery = Inside(expr).As<promql::Subquery>();
    if (subquery == nullptr) return InternalError("the naive evaluator knows no such range");
    const int64_t end = data_.Look(subquery->time, t);
    const int64_t start = end - subquery->range_ms;
    const int64_t step = subquery->step_ms > 0 ? subquery->step_ms : query_.default_step_ms;
    std::map<LabelSet, NaiveWindow> windows;
    const int64_t past_multiple = (start % step + step) % step;
    for (int64_t at = start - past_multiple + step; at <= end; at += step) {
      ASSIGN_OR_RETURN(const NaiveValue value, At(*subquery->expr, at));
      for (const NaiveElement& element : value.vector) {
        NaiveWindow& window = windows[element.labels];
        window.labels = element.labels;
        window.start_ms = start;
        window.end_ms = end;
        NaiveAddSample(window, at, element.number);
      }
    }
    std::vector<NaiveWindow> list;
    for (const auto& [labels, window] : windows) list.push_back(window);
    return list;
  }

  // ---- operators

  Result<NaiveValue> Signed(const promql::Unary& unary, int64_t t) const {
    ASSIGN_OR_RETURN(NaiveValue value, At(*unary.expr, t));
    if (!unary.negate) return value;
    value.scalar = -value.scalar;
    for (NaiveElement& element : value.vector) {
      element = {WithoutName(element.labels), Negated(element.number)};
    }
    return value.is_scalar ? value : NaiveUnique(std::move(value.vector));
  }

  Result<NaiveValue> OfBinary(const Binary& binary, int64_t t) const {
    ASSIGN_OR_RETURN(const NaiveValue lhs, At(*binary.lhs, t));
    ASSIGN_OR_RETURN(const NaiveValue rhs, At(*binary.rhs, t));
    if (lhs.is_scalar && rhs.is_scalar)
      return Scalar(NaiveCompute(binary.op, lhs.scalar, rhs.scalar));
    if (lhs.is_scalar || rhs.is_scalar) return NaiveWithScalar(binary, lhs, rhs, notes_);
    if (IsSetOperator(binary.op)) return NaiveSets(binary, lhs.vector, rhs.vector);
    return NaiveMatched(binary, lhs.vector, rhs.vector, notes_);
  }

  // ---- aggregations

  Result<NaiveValue> OfAggregate(const Aggregate& aggregate, int64_t t) const {
    ASSIGN_OR_RETURN(const NaiveValue value, At(*aggregate.expr, t));
    NaiveValue parameter;
    const bool of_string = aggregate.op == AggregateOp::kCountValues;
    if (aggregate.param != nullptr && !of_string) {
      ASSIGN_OR_RETURN(parameter, At(*aggregate.param, t));
    }
    std::map<LabelSet, Vector> groups;
    for (const NaiveElement& element : value.vector) {
      LabelSet group = aggregate.without ? WithoutName(Removed(element.labels, aggregate.grouping))
                                         : Kept(element.labels, aggregate.grouping);
      if (of_string) {
        group.Set(Inside(*aggregate.param).As<promql::StringLiteral>()->value,
                  element.number.histogram != nullptr ? TextOf(*element.number.histogram)
                                                      : FormatGoF(element.number.value));
      }
      groups[group].push_back(element);
    }
    Vector out;
    notes_.AddParameter(aggregate, parameter.scalar);
    for (const auto& [labels, members] : groups) {
      std::vector<NaiveNumber> numbers;
      for (const NaiveElement& member : members) numbers.push_back(member.number);
      NoteAggregate(aggregate.op, parameter.scalar, numbers, notes_);
      if (IsNaivePick(aggregate.op)) {
        RETURN_IF_ERROR(NaivePick(aggregate.op, parameter.scalar, members, out));
      } else {
        ASSIGN_OR_RETURN(const std::optional<NaiveNumber> total,
                         NaiveTotal(aggregate.op, parameter.scalar, numbers));
        if (total) out.push_back({labels, *total});
      }
    }
    return NaiveValue{.vector = std::move(out)};
  }

  // ---- functions

  Result<NaiveValue> OfCall(const Call& call, int64_t t) const {
    const std::string_view name = call.function->name;
    if (name == "time") return Scalar(static_cast<double>(t) / 1000);
    if (name == "pi") return Scalar(std::acos(-1));
    if (name == "scalar") return ToScalar(call, t);
    if (name == "vector") return ToVector(call, t);
    if (name == "timestamp") return Timestamps(call, t);
    if (name == "absent" || name == "absent_over_time") return Absent(call, t);
    if (name == "label_replace") return LabelReplace(call, t);
    if (name == "label_join") return LabelJoin(call, t);
    if (name == "histogram_quantile" || name == "histogram_fraction") {
      ASSIGN_OR_RETURN(const std::vector<double> parameters, Parameters(call, t));
      return OfBuckets(*call.args.back(), parameters, t);
    }
    if (name == "histogram_quantiles") return Quantiles(call, t);
    if (name == "info") return Info(call, t);
    if (name == "sort" || name == "sort_desc") return Floats(*call.args[0], t);
    if (const NaiveFigure figure = FindFigure(name)) return OfHistograms(call, figure, t);
    if (const NaiveRangeFunction function = FindNaiveRangeFunction(name)) {
      return OfRange(call, function, t);
    }
    if (const NaiveSampleFunction function = FindNaiveSampleFunction(name)) {
      return OfSamples(call, function, t);
    }
    return InternalError("the naive evaluator does not know the function " + std::string(name));
  }

  Result<std::vector<double>> Parameters(const Call& call, int64_t t) const {
    std::vector<double> parameters;
    for (const Expr* arg : call.args) {
      if (arg->type != promql::ValueType::kScalar) continue;
      ASSIGN_OR_RETURN(const NaiveValue value, At(*arg, t));
      parameters.push_back(value.scalar);
    }
    return parameters;
  }

  Result<NaiveValue> OfRange(const Call& call, NaiveRangeFunction function, int64_t t) const {
    const std::string_view name = call.function->name;
    ASSIGN_OR_RETURN(const std::vector<double> parameters, Parameters(call, t));
    Vector out;
    for (const Expr* arg : call.args) {
      if (arg->type != promql::ValueType::kMatrix) continue;
      ASSIGN_OR_RETURN(const std::vector<NaiveWindow> windows, Range(*arg, t));
      for (const NaiveWindow& window : windows) {
        const std::optional<NaiveEdge> edge = NaiveEdgeOf(Inside(*arg));
        const bool extended = edge && (name == "rate" || name == "increase" || name == "delta");
        const std::optional<NaiveNumber> number =
            extended ? NaiveExtendedRate(name, window, *edge, notes_)
                     : OfWindow(call, function, {window, parameters, t});
        const bool gave_float = number && number->histogram == nullptr;
        if (!extended) {
          NoteRange(name, {window, parameters, t}, gave_float, notes_);
        } else if (gave_float) {
          NoteNoCounter(name, window, notes_);
        }
        if (!number) continue;
        out.push_back(
            {call.function->keeps_name ? window.labels : WithoutName(window.labels), *number});
      }
    }
    return NaiveUnique(std::move(out));
  }

  static std::optional<NaiveNumber> OfWindow(const Call& call, NaiveRangeFunction function,
                                             const NaiveRangeCall& range) {
    const bool histograms = range.window.all.size() != range.window.samples.size();
    const NaiveHistogramFunction of_histograms = FindNaiveHistogramFunction(call.function->name);
    if (histograms && of_histograms != nullptr) {
      const std::string_view name = call.function->name;
      // Where the last two are floats, these do not care for what was before.
      const bool last_two = name == "irate" || name == "idelta";
      const size_t size = range.window.all.size();
      const bool floats_last = size >= 2 &&
                               range.window.all[size - 1].number.histogram == nullptr &&
                               range.window.all[size - 2].number.histogram == nullptr;
      if (!last_two || !floats_last) return of_histograms(range.window);
    }
    const std::optional<double> value = function(range);
    if (!value) return std::nullopt;
    return NaiveNumber{*value, nullptr};
  }

  Result<NaiveValue> OfSamples(const Call& call, NaiveSampleFunction function, int64_t t) const {
    ASSIGN_OR_RETURN(const std::vector<double> parameters, Parameters(call, t));
    NaiveValue value;
    if (call.args.empty()) {
      value.vector.push_back({{}, {static_cast<double>(t) / 1000, nullptr}});
    } else {
      ASSIGN_OR_RETURN(value, At(*call.args[0], t));
    }
    if (call.function->name == "clamp" && parameters[0] > parameters[1]) return NaiveValue();
    Vector out;
    for (const NaiveElement& element : value.vector) {
      if (element.number.histogram != nullptr) continue;
      out.push_back(
          {WithoutName(element.labels), {function(element.number.value, parameters), nullptr}});
    }
    return NaiveUnique(std::move(out));
  }

  Result<NaiveValue> ToScalar(const Call& call, int64_t t) const {
    ASSIGN_OR_RETURN(const NaiveValue floats, Floats(*call.args[0], t));
    return Scalar(floats.vector.size() == 1 ? floats.vector[0].number.value
                                            : std::numeric_limits<double>::quiet_NaN());
  }

  Result<NaiveValue> ToVector(const Call& call, int64_t t) const {
    ASSIGN_OR_RETURN(const NaiveValue value, At(*call.args[0], t));
    return NaiveValue{.vector = {{{}, {value.scalar, nullptr}}}};
  }

  Result<NaiveValue> Timestamps(const Call& call, int64_t t) const {
    Vector out;
    if (const auto* selector = Inside(*call.args[0]).As<promql::VectorSelector>()) {
      for (const NaiveData::Seen& seen : data_.Newest(*selector, t)) {
        out.push_back(
            {WithoutName(seen.labels), {static_cast<double>(seen.at.t_ms) / 1000, nullptr}});
      }
      return NaiveUnique(std::move(out));
    }
    ASSIGN_OR_RETURN(const NaiveValue value, At(*call.args[0], t));
    for (const NaiveElement& element : value.vector) {
      out.push_back({WithoutName(element.labels), {static_cast<double>(t) / 1000, nullptr}});
    }
    return NaiveUnique(std::move(out));
  }

  Result<NaiveValue> Absent(const Call& call, int64_t t) const {
    bool absent = true;
    const promql::VectorSelector* selector = call.args[0]->As<promql::VectorSelector>();
    if (call.function->name == "absent") {
      ASSIGN_OR_RETURN(const NaiveValue value, At(*call.args[0], t));
      absent = value.vector.empty();
    } else {
      ASSIGN_OR_RETURN(const std::vector<NaiveWindow> windows, Range(*call.args[0], t));
      absent = std::ranges::all_of(windows, [](const NaiveWindow& w) { return w.all.empty(); });
      const auto* matrix = call.args[0]->As<promql::MatrixSelector>();
      if (matrix != nullptr) selector = matrix->selector;
    }
    if (!absent) return NaiveValue();
    LabelSet labels;
    for (const Matcher& matcher :
         selector == nullptr ? std::vector<Matcher>() : selector->matchers) {
      const auto same = std::ranges::count_if(
          selector->matchers, [&](const Matcher& m) { return m.name() == matcher.name(); });
      if (matcher.op() == MatchOp::kEqual && matcher.name() != kMetricName && same == 1) {
        labels.Set(matcher.name(), matcher.value());
      }
    }
    return NaiveValue{.vector = {{labels, {1, nullptr}}}};
  }

  Result<NaiveValue> Floats(const Expr& expr, int64_t t) const {
    ASSIGN_OR_RETURN(NaiveValue value, At(expr, t));
    std::erase_if(value.vector,
                  [](const NaiveElement& e) { return e.number.histogram != nullptr; });
    return value;
  }

  // A figure of native histograms.
  using NaiveFigure = double (*)(const NaiveHistogram& histogram);
  static NaiveFigure FindFigure(std::string_view name) {
    static const std::map<std::string_view, NaiveFigure> kFigures = {
        {"histogram_count", [](const NaiveHistogram& h) { return h.count; }},
        {"histogram_sum", [](const NaiveHistogram& h) { return h.sum; }},
        {"histogram_avg", [](const NaiveHistogram& h) { return h.sum / h.count; }},
        {"histogram_stdvar", NaiveHistogramVariance},
        {"histogram_stddev",
         [](const NaiveHistogram& h) { return std::sqrt(NaiveHistogramVariance(h)); }},
    };
    const auto found = kFigures.find(name);
    return found == kFigures.end() ? nullptr : found->second;
  }

  Result<NaiveValue> OfHistograms(const Call& call, NaiveFigure figure, int64_t t) const {
    ASSIGN_OR_RETURN(const NaiveValue value, At(*call.args[0], t));
    Vector out;
    for (const NaiveElement& element : value.vector) {
      if (element.number.histogram == nullptr) continue;
      out.push_back({WithoutName(element.labels), {figure(*element.number.histogram), nullptr}});
    }
    return NaiveUnique(std::move(out));
  }

  // Classic histograms: the elements of one are told apart by le.
  Result<NaiveValue> OfBuckets(const Expr& vector, const std::vector<double>& parameters,
                               int64_t t) const {
    ASSIGN_OR_RETURN(const NaiveValue value, At(vector, t));
    if (parameters.size() == 1) NoteQuantile(parameters[0], notes_);
    std::map<LabelSet, NaiveBuckets> histograms;
    std::map<LabelSet, NaiveHistogramPtr> natives;
    for (const NaiveElement& element : value.vector) {
      if (element.number.histogram != nullptr) {
        natives[element.labels] = element.number.histogram;
        continue;
      }
      const std::optional<double> bound = ParseGoFloat(element.labels.Get("le"));
      if (!bound) {
        NoteBadBound(element.labels.Get("le"), element.labels.Get(kMetricName), notes_);
        continue;
      }
      histograms[Removed(element.labels, {"le"})][*bound] += element.number.value;
    }
    Vector out;
    for (const auto& [labels, buckets] : histograms) {
      const double result = parameters.size() == 1
                                ? NaiveBucketQuantile(parameters[0], buckets)
                                : NaiveBucketFraction(parameters[0], parameters[1], buckets);
      // Both kinds at once are answered by neither.
      if (natives.erase(labels) == 0) {
        out.push_back({WithoutName(labels), {result, nullptr}});
      } else {
        NoteBothKindsOfBuckets(notes_);
      }
    }
    for (const auto& [labels, histogram] : natives) {
      const double result = parameters.size() == 1
                                ? NaiveHistogramQuantile(parameters[0], *histogram)
                                : NaiveHistogramFraction(parameters[0], parameters[1], *histogram);
      out.push_back({WithoutName(labels), {result, nullptr}});
    }
    return NaiveUnique(std::move(out));
  }

  // Each quantile with its number in a label.
  Result<NaiveValue> Quantiles(const Call& call, int64_t t) const {
    ASSIGN_OR_RETURN(const std::vector<double> parameters, Parameters(call, t));
    Vector out;
    for (const double q : parameters) {
      ASSIGN_OR_RETURN(NaiveValue value, OfBuckets(*call.args[0], {q}, t));
      for (NaiveElement& element : value.vector) {
        element.labels.Set(Text(*call.args[1]), FormatGoV(q));
        out.push_back(std::move(element));
      }
    }
    return NaiveUnique(std::move(out));
  }

  // The first selector of the expression says when the info series are looked at.
  static const promql::VectorSelector* FirstSelector(const Expr& expr) {
    const Expr& inside = Inside(expr);
    if (const auto* selector = inside.As<promql::VectorSelector>()) return selector;
    if (const auto* matrix = inside.As<promql::MatrixSelector>()) return matrix->selector;
    if (const auto* aggregate = inside.As<Aggregate>()) return FirstSelector(*aggregate->expr);
    if (const auto* call = inside.As<Call>()) return FirstSelector(*call->args[0]);
    return nullptr;
  }

  Result<NaiveValue> Info(const Call& call, int64_t t) const {
    ASSIGN_OR_RETURN(const NaiveValue base, At(*call.args[0], t));
    NaiveInfoQuery query;
    if (call.args.size() > 1) {
      for (const Matcher& matcher : Inside(*call.args[1]).As<promql::VectorSelector>()->matchers) {
        const bool of_name = matcher.name() == kMetricName;
        (of_name ? query.name_matchers : query.data_matchers).push_back(matcher);
      }
    }
    if (query.name_matchers.empty()) {
      query.name_matchers.push_back(Matcher::Equal(kMetricName, "target_info"));
    } else if (std::ranges::all_of(query.name_matchers, [](const Matcher& m) {
                 return m.op() == MatchOp::kNotEqual || m.op() == MatchOp::kNotRegex;
               })) {
      ASSIGN_OR_RETURN(Matcher any, Matcher::Make(MatchOp::kRegex, kMetricName, ".+_info"));
      query.name_matchers.push_back(std::move(any));
    }
    promql::VectorSelector all;
    const promql::VectorSelector* times = FirstSelector(*call.args[0]);
    if (times != nullptr) all.time = times->time;
    std::vector<NaiveInfoSample> samples;
    for (const NaiveData::Seen& seen : data_.Newest(all, t))
      samples.push_back({seen.labels, seen.at.t_ms});
    return NaiveInfo(base.vector, query, samples);
  }

  static const std::string& Text(const Expr& expr) {
    return Inside(expr).As<promql::StringLiteral>()->value;
  }

  Result<NaiveValue> LabelReplace(const Call& call, int64_t t) const {
    ASSIGN_OR_RETURN(NaiveValue value, At(*call.args[0], t));
    ASSIGN_OR_RETURN(const Regex regex, Regex::CompileAnchored(Text(*call.args[4])));
    for (NaiveElement& element : value.vector) {
      const std::string source(element.labels.Get(Text(*call.args[3])));
      std::vector<std::string_view> groups;
      if (!regex.Match(source, &groups)) continue;
      element.labels.Set(Text(*call.args[1]), regex.Expand(Text(*call.args[2]), groups));
    }
    return NaiveUnique(std::move(value.vector));
  }

  Result<NaiveValue> LabelJoin(const Call& call, int64_t t) const {
    ASSIGN_OR_RETURN(NaiveValue value, At(*call.args[0], t));
    for (NaiveElement& element : value.vector) {
      std::string joined;
      for (size_t i = 3; i < call.args.size(); ++i) {
        if (i > 3) joined += Text(*call.args[2]);
        joined += element.labels.Get(Text(*call.args[i]));
      }
      element.labels.Set(Text(*call.args[1]), joined);
    }
    return NaiveUnique(std::move(value.vector));
  }

  const NaiveData data_;
  const NaiveQuery& query_;
  NaiveNotes& notes_;
};

}  // namespace

Result<NaiveValue> EvaluateNaively(const Expr& expr, const std::vector<NaiveSeries>& data,
                                   const NaiveQuery& query, int64_t t_ms, NaiveNotes& notes) {
  return Naive(data, query, notes).At(expr, t_ms);
}

}  // namespace tocsin::testing_support
