// The rows of what reads the store: an instant selector, or a function of a range.
//
// Each row is computed for itself, for all steps, from samples that are decoded once; rows are
// shared out to the workers of the query. An aggregation takes them as they come, so that the
// series it adds up are never all in memory.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/promql/evaluator.h"

namespace tocsin::promql {

class RowSource {
 public:
  // One worker's way to rows, with buffers of its own.
  class Reader {
   public:
    virtual ~Reader() = default;
    virtual Status Read(size_t row, RowWriter& out, BudgetShare& budget) = 0;
  };

  explicit RowSource(Evaluator& evaluator, const Steps& steps)
      : evaluator_(evaluator), steps_(steps) {}
  virtual ~RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;

  virtual const SeriesListPtr& list() const = 0;
  // Whether the name of a row is marked to go already.
  virtual bool drop_name(size_t /*row*/) const { return false; }
  size_t size() const { return list()->size(); }

  // All rows, with the labels of the list.
  Result<Block> ReadAll();

  // Some rows: row i of `rows` is row first + i of the source.
  struct Batch {
    const Block& rows;
    size_t first;
    size_t count;
  };
  // Calls `use` for all rows in their order, on whichever thread, but one call at a time.
  Status ReadInOrder(const std::function<Status(const Batch&)>& use);

 protected:
  // `annotations` is the worker's own.
  virtual std::unique_ptr<Reader> NewReader(Annotations& annotations) const = 0;
  Evaluator& evaluator() const { return evaluator_; }
  const Steps& steps() const { return steps_; }

 private:
  class Worker;
  size_t SliceSize() const;
  Executor* Helpers() const;

  Evaluator& evaluator_;
  const Steps steps_;
};

// Of an instant selector, or of a call with a range kernel, whose other arguments are evaluated
// here.
Result<std::unique_ptr<RowSource>> OpenSelectorRows(Evaluator& evaluator, const PlanNode& node,
                                                    const Steps& steps, Evaluator::Read what);
Result<std::unique_ptr<RowSource>> OpenRangeCallRows(Evaluator& evaluator, const PlanNode& node,
                                                     const Steps& steps);

}  // namespace tocsin::promql
