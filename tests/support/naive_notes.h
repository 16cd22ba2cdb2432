// The warnings and infos of the naive evaluator, told from the values that went into a step.
//
// It knows no hints of resets, so not what is said about gauges and about hints that collide; nor
// what was fixed in classic buckets, nor what depends on the kind of query.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/promql/ast.h"
#include "tests/support/naive_functions.h"

namespace tocsin::testing_support {

// Texts without positions, and without the metric's name where it depends on the order of series;
// numbers in them with six digits.
class NaiveNotes {
 public:
  void insert(std::string text) { texts_.insert(std::move(text)); }
  // The parameter of a quantile or limit_ratio aggregation at one of its steps. Only the greatest
  // and the least of all are told.
  void AddParameter(const promql::Aggregate& aggregate, double parameter);
  std::set<std::string> Texts() const;

 private:
  std::set<std::string> texts_;
  std::map<const promql::Aggregate*, std::vector<double>> parameters_;
};

// The text of the engine as it stands in NaiveNotes; "" for those that the naive one does not know.
std::string NaiveNoteOf(std::string text);

// Of a function of one window. `gave_float`: the value it gave. What an anchored or smoothed window
// tells beyond that is told where its edges are made.
void NoteRange(std::string_view function, const NaiveRangeCall& call, bool gave_float,
               NaiveNotes& notes);
// A counter is asked for, of a series that is not called like one.
void NoteNoCounter(std::string_view function, const NaiveWindow& window, NaiveNotes& notes);
void NoteMixedWindow(const NaiveWindow& window, NaiveNotes& notes);
// Two histograms that are added or subtracted. False when they cannot be.
bool NoteMerge(const NaiveHistogram& a, const NaiveHistogram& b, std::string_view operation,
               NaiveNotes& notes);
void NoteAggregate(promql::AggregateOp op, double parameter,
                   const std::vector<NaiveNumber>& members, NaiveNotes& notes);
void NoteBinary(const promql::Binary& binary, const NaiveNumber& a, const NaiveNumber& b,
                NaiveNotes& notes);
void NoteQuantile(double q, NaiveNotes& notes);
// histogram_quantile and histogram_fraction: an element with a float has no bound in its label le.
void NoteBadBound(std::string_view le, std::string_view metric, NaiveNotes& notes);
void NoteBothKindsOfBuckets(NaiveNotes& notes);

}  // namespace tocsin::testing_support
