#include "exporters/postgres/postgres_questions.h"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

// Slots come a little early or late; a question of 30 s in a loop of 15 s is for every second slot.
constexpr double kEarly = 0.05;

}  // namespace

PostgresQuestions::PostgresQuestions(std::vector<PostgresQuestion> questions) {
  for (PostgresQuestion& question : questions) {
    asked_.push_back({.question = std::move(question)});
  }
}

bool PostgresQuestions::Due(const Asked& asked, SteadyTime now) {
  if (!asked.answered || !asked.success) return true;
  const std::chrono::duration<double> every = asked.question.every;
  return now - *asked.answered >= every * (1 - kEarly);
}

Status PostgresQuestions::Ask(const Clock& clock, SteadyTime until, const Query& query,
                              std::string_view role, std::vector<std::string>& problems) {
  for (Asked& asked : asked_) {
    const SteadyTime started = clock.Steady();
    if (!Due(asked, started)) continue;
    if (started >= until) break;
    const Result<PostgresRows> rows = query(asked.question.sql);
    const SteadyTime ended = clock.Steady();
    asked.asked = true;
    asked.success = rows.ok();
    asked.seconds = std::chrono::duration<double>(ended - started).count();
    if (rows.ok()) {
      asked.answered = started;
      asked.samples.Clear();
      asked.question.write(*rows, asked.samples);
      continue;
    }
    const Error& error = rows.error();
    const bool refused = error.code == ErrorCode::kPermissionDenied;
    if (!refused && error.code != ErrorCode::kExecution) return error;
    std::string problem = asked.question.name + ": " + error.message;
    if (refused && !asked.question.role.empty()) {
      problem.append("; GRANT ").append(asked.question.role).append(" TO ").append(role);
    }
    problems.push_back(std::move(problem));
    if (!asked.answered || started - *asked.answered >= asked.question.every) {
      asked.samples.Clear();
    }
  }
  return Ok();
}

void PostgresQuestions::Replay(MetricSink& sink) const {
  for (const Asked& asked : asked_) asked.samples.Replay(sink);
}

void PostgresQuestions::Report(std::vector<PostgresOutcome>& outcomes) const {
  for (const Asked& asked : asked_) {
    if (!asked.asked) continue;
    auto outcome = std::ranges::find(outcomes, asked.question.name, &PostgresOutcome::name);
    if (outcome == outcomes.end()) {
      outcome = outcomes.insert(outcomes.end(), {.name = asked.question.name});
    }
    outcome->success = outcome->success && asked.success;
    outcome->seconds += asked.seconds;
  }
}

}  // namespace tocsin
