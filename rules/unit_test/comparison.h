// Whether what the rules gave is what a unit test expects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alertmanager_client/notifier.h"
#include "base/result.h"
#include "engine/promql/engine.h"
#include "rules/unit_test/unit_test_file.h"

namespace tocsin::unit_test {

// Both sides in words; what differs can be shown line by line.
struct Mismatch {
  std::string expected;
  std::string got;
};
// An Error is a mistake in the expectation itself.
using Comparison = Result<std::optional<Mismatch>>;

struct SeenAlert {
  Pairs labels;
  Pairs annotations;
  AlertState state = AlertState::kFiring;
  Duration active_at{};  // since the start of the test

  friend auto operator<=>(const SeenAlert&, const SeenAlert&) = default;
};

struct SentAlert {
  Duration at{};  // since the start of the test
  Notification alert;
};

// Every expected alert must be found once, and no other. `seen` has all alerts of the name; those
// in states that the case does not look at are left out.
Comparison CompareAlerts(const AlertCase& expected, std::vector<SeenAlert> seen);

// Floats must be equal to the bit or, with `fuzzy`, to the neighbouring one; NaN equals nothing.
Comparison CompareSamples(const QueryCase& expected, const promql::VectorValue& got, bool fuzzy);

// The Alertmanager's view over time. `start`: of the test.
Comparison CompareSendings(const ExpectedSendings& expected, const std::vector<SentAlert>& sent,
                           Timestamp start);

}  // namespace tocsin::unit_test
