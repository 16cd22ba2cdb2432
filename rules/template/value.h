// The values that a template computes with: Go's types as far as alert templates can meet them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/model/label_set.h"

namespace tocsin::templates {

class Value;
struct AlertFields;

// Go's time.Time, always UTC, and time.Duration.
struct Time {
  int64_t unix_ns = 0;
};
struct TimeSpan {
  int64_t ns = 0;
};

// One element of what `query` returns.
struct QuerySample {
  LabelSet labels;  // __name__ included
  double value = 0;
  std::string histogram;  // its text form when the sample is a native histogram, else ""
};

using LabelMap = std::shared_ptr<const LabelSet>;
using Map = std::shared_ptr<const std::map<std::string, Value, std::less<>>>;
using List = std::shared_ptr<std::vector<Value>>;  // sortByLabel sorts in place, as in Prometheus
using SamplePointer = std::shared_ptr<const QuerySample>;

// Cheap to copy but for long strings.
class Value {
 public:
  struct Nil {};
  using Variant = std::variant<Nil, bool, int64_t, double, std::string, LabelMap, Map, List,
                               SamplePointer, Time, TimeSpan, const AlertFields*>;

  Value() = default;
  template <typename T>
  requires std::is_constructible_v<Variant, T> Value(T value)
      : variant_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Value(std::string_view text)
      : variant_(std::string(text)) {}                      // NOLINT(google-explicit-constructor)
  Value(const char* text) : variant_(std::string(text)) {}  // NOLINT(google-explicit-constructor)

  const Variant& variant() const { return variant_; }
  bool is_nil() const { return std::holds_alternative<Nil>(variant_); }
  template <typename T>
  const T* As() const {
    return std::get_if<T>(&variant_);
  }

  // Go's truth: false, 0, nil and empty texts, lists and maps are false.
  bool IsTrue() const;
  // What an action prints; "<no value>" for nil.
  std::string Print() const;
  // "float64", "map[string]string", …: as Go's messages name it.
  std::string_view TypeName() const;

 private:
  Variant variant_;
};

// The root: .Labels, .ExternalLabels, .ExternalURL, .Value.
struct AlertFields {
  LabelMap labels;
  LabelMap external_labels;
  std::string external_url;
  Value value;  // a double, or a string when the sample is a histogram
  // Beyond Prometheus.
  Time active_at;
  std::string expr;
  TimeSpan hold;
  TimeSpan interval;
};

// Go's fmt.Sprint: a space between operands when neither is a string.
std::string Sprint(const std::vector<Value>& operands);

// "2022-01-25 12:36:43.5 +0000 UTC"; time.Time.String for UTC.
std::string FormatTime(Time time);
// "1h30m0s", "1.5s", "100ms": time.Duration.String.
std::string FormatTimeSpan(TimeSpan span);

}  // namespace tocsin::templates
