#include "delivery/journey/journey_runner.h"

#include <algorithm>

#include "base/quantity.h"
#include "delivery/journey/form_body.h"
#include "delivery/journey/json_path.h"

namespace tocsin::delivery {
namespace {

constexpr size_t kLargestAnswer = 16 << 20;

using Variables = std::map<std::string, std::string>;

double Seconds(Latency latency) { return std::chrono::duration<double>(latency).count(); }

Result<HttpRequest> MakeRequest(const JourneyStep& step, const Variables& variables,
                                const JourneyWorld& world) {
  HttpRequest request;
  request.method = step.method;
  request.timeout = world.timeout;
  request.max_body_bytes = kLargestAnswer;
  request.headers = world.headers;
  request.tls = world.tls;
  if (world.prepare) world.prepare(request);
  request.follow_redirects = false;
  ASSIGN_OR_RETURN(const std::string path, ExpandVariables(step.path, variables));
  request.url = world.base_url + path;
  for (const auto& [name, value] : step.headers) {
    ASSIGN_OR_RETURN(std::string expanded, ExpandVariables(value, variables));
    request.headers.emplace_back(name, std::move(expanded));
  }
  ASSIGN_OR_RETURN(request.body, ExpandVariables(step.body, variables));
  if (step.multipart.empty()) return request;
  std::vector<FormPart> parts = step.multipart;
  for (FormPart& part : parts) {
    ASSIGN_OR_RETURN(part.value, ExpandVariables(part.value, variables));
  }
  FormBody form = EncodeForm(parts);
  request.headers.emplace_back("Content-Type", std::move(form.content_type));
  request.body = std::move(form.body);
  return request;
}

std::string StatusProblem(const Expectation& expect, int status) {
  const bool expected = expect.statuses.empty() ? status >= 200 && status < 300
                                                : std::ranges::count(expect.statuses, status) > 0;
  if (expected) return "";
  std::string wanted = expect.statuses.empty() ? "2xx" : "";
  for (const int one : expect.statuses) {
    wanted += (wanted.empty() ? "" : " or ") + std::to_string(one);
  }
  return "status " + std::to_string(status) + ", expected " + wanted;
}

std::string JsonProblem(const JsonExpectation& expect, const std::string& wanted,
                        const JsonValue& root) {
  const JsonValue* const value = FindByPath(root, expect.path);
  if (value == nullptr) return "the answer has no " + expect.path;
  if (wanted.starts_with('<') && wanted.ends_with('>')) {
    const std::string_view type = std::string_view(wanted).substr(1, wanted.size() - 2);
    if (type == TypeName(*value)) return "";
    return expect.path + " is a " + std::string(TypeName(*value)) + ", expected a " +
           std::string(type);
  }
  const std::string text = ScalarText(*value);
  return text == wanted ? "" : expect.path + " is \"" + text + "\", expected \"" + wanted + "\"";
}

// Of the body; "" when it is as expected.
std::string BodyProblem(const JourneyStep& step, const std::string& body, Variables& variables) {
  const Result<std::string> contained = ExpandVariables(step.expect.contains, variables);
  if (!contained.ok()) return contained.error().message;
  if (body.find(*contained) == std::string::npos) {
    return "the answer does not contain \"" + *contained + "\"";
  }
  if (step.expect.json.empty() && step.capture.empty()) return "";
  const Result<JsonValue> json = JsonValue::Parse(body);
  if (!json.ok()) return "the answer is no JSON: " + json.error().message;
  for (const JsonExpectation& expect : step.expect.json) {
    const Result<std::string> wanted = ExpandVariables(expect.value, variables);
    if (!wanted.ok()) return wanted.error().message;
    if (std::string problem = JsonProblem(expect, *wanted, *json); !problem.empty()) return problem;
  }
  for (const auto& [variable, path] : step.capture) {
    const JsonValue* const value = FindByPath(*json, path);
    if (value == nullptr) return "the answer has no " + path + " for ${" + variable + "}";
    variables[variable] = ScalarText(*value);
  }
  return "";
}

class Runner {
 public:
  Runner(const JourneyWorld& world, Variables variables, const AfterStep& after_step)
      : world_(world), variables_(std::move(variables)), after_step_(after_step) {}

  const Variables& variables() const { return variables_; }

  // Removes what was made: a step for which nothing was captured is left out.
  std::vector<StepOutcome> Remove(const std::vector<JourneyStep>& steps) {
    std::vector<StepOutcome> outcomes;
    for (const JourneyStep& step : steps) {
      if (!MakeRequest(step, variables_, world_).ok()) continue;
      outcomes.push_back(Step(step, world_.cleanup_until));
    }
    return outcomes;
  }

  // `until`: when it has to be over, polling included.
  StepOutcome Step(const JourneyStep& step, std::optional<SteadyTime> until) {
    StepOutcome outcome{.name = step.name};
    const SteadyTime began = world_.clock.Steady();
    for (;;) {
      outcome.kind = "";
      outcome.problem = Once(step, until, outcome);
      outcome.ok = outcome.problem.empty();
      if (outcome.ok || !step.poll) break;
      const SteadyTime next = world_.clock.Steady() + step.poll->interval;
      if (next - began > step.poll->timeout) {
        outcome.problem += ", for " + FormatSpan(ToSeconds(step.poll->timeout));
        break;
      }
      if (until && next >= *until) {
        outcome.problem += ", and the time of the journey was over";
        break;
      }
      if (!world_.pause(step.poll->interval)) break;
    }
    if (after_step_) after_step_(outcome);
    return outcome;
  }

 private:
  // One request. Returns what is wrong with its answer, and sets its kind.
  std::string Once(const JourneyStep& step, std::optional<SteadyTime> until, StepOutcome& outcome) {
    Result<HttpRequest> request = MakeRequest(step, variables_, world_);
    if (!request.ok()) return Fail(outcome, "wrong journey", request.error().message);
    const SteadyTime sent = world_.clock.Steady();
    if (until) {
      const auto left = std::chrono::duration_cast<Duration>(*until - sent);
      if (left <= Duration::zero()) {
        return Fail(outcome, "timeout", "the time of the journey was over before it");
      }
      request->timeout = std::min(request->timeout, left);
    }
    ++outcome.requests;
    const Result<HttpResponse> response = world_.http.Fetch(*request);
    outcome.latency = world_.clock.Steady() - sent;
    outcome.status = response.ok() ? response->status : 0;
    if (!response.ok()) {
      const bool late = response.error().code == ErrorCode::kTimeout;
      return Fail(outcome, late ? "timeout" : "no connection", response.error().message);
    }
    outcome.reconnects += response->reconnects;
    if (std::string problem = StatusProblem(step.expect, response->status); !problem.empty()) {
      return Fail(outcome, "status " + std::to_string(response->status), std::move(problem));
    }
    if (step.expect.latency && outcome.latency > *step.expect.latency) {
      return Fail(outcome, "too slow",
                  "took " + FormatSpan(Seconds(outcome.latency)) + ", expected at most " +
                      FormatSpan(ToSeconds(*step.expect.latency)));
    }
    std::string problem = BodyProblem(step, response->body, variables_);
    return problem.empty() ? "" : Fail(outcome, "wrong content", std::move(problem));
  }

  static std::string Fail(StepOutcome& outcome, std::string kind, std::string problem) {
    outcome.kind = std::move(kind);
    return problem;
  }

  const JourneyWorld& world_;
  Variables variables_;
  const AfterStep& after_step_;
};

}  // namespace

JourneySetup SetUpJourney(const Journey& journey, const std::string& run, const JourneyWorld& world,
                          const AfterStep& after_step) {
  JourneySetup setup;
  Runner runner(world, {{"run", run}, {"setup", run}}, after_step);
  for (const JourneyStep& step : journey.setup) {
    setup.steps.push_back(runner.Step(step, world.steps_until));
    if (!setup.steps.back().ok) break;
  }
  setup.variables = runner.variables();
  setup.variables.erase("run");
  return setup;
}

JourneyOutcome RunJourneySteps(const Journey& journey, const std::string& run,
                               const JourneySetup& setup, const JourneyWorld& world,
                               const AfterStep& after_step) {
  Variables variables = setup.variables;
  variables["run"] = run;
  Runner runner(world, std::move(variables), after_step);
  JourneyOutcome outcome{.name = journey.name, .ok = true};
  for (const JourneyStep& step : journey.steps) {
    outcome.steps.push_back(runner.Step(step, world.steps_until));
    outcome.total += outcome.steps.back().latency;
    outcome.ok = outcome.steps.back().ok;
    if (!outcome.ok) break;
  }
  for (StepOutcome& step : runner.Remove(journey.cleanup)) {
    outcome.ok = outcome.ok && step.ok;
    outcome.steps.push_back(std::move(step));
  }
  return outcome;
}

std::vector<StepOutcome> TearDownJourney(const Journey& journey, const JourneySetup& setup,
                                         const JourneyWorld& world, const AfterStep& after_step) {
  return Runner(world, setup.variables, after_step).Remove(journey.teardown);
}

JourneyOutcome RunJourney(const Journey& journey, const std::string& run, const JourneyWorld& world,
                          const AfterStep& after_step) {
  const JourneySetup setup = SetUpJourney(journey, run, world, after_step);
  JourneyOutcome outcome{.name = journey.name, .ok = false};
  if (setup.ok()) outcome = RunJourneySteps(journey, run, setup, world, after_step);
  outcome.steps.insert(outcome.steps.begin(), setup.steps.begin(), setup.steps.end());
  for (StepOutcome& step : TearDownJourney(journey, setup, world, after_step)) {
    outcome.ok = outcome.ok && step.ok;
    outcome.steps.push_back(std::move(step));
  }
  return outcome;
}

Result<std::string> ExpandVariables(std::string_view text,
                                    const std::map<std::string, std::string>& variables) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find("${", at), text.size());
    out += text.substr(at, open - at);
    if (open == text.size()) break;
    const size_t close = text.find('}', open);
    if (close == std::string_view::npos) {
      return InvalidArgument("\"" + std::string(text) + "\" has a ${ without }");
    }
    const std::string name(text.substr(open + 2, close - open - 2));
    const auto found = variables.find(name);
    if (found == variables.end()) {
      return InvalidArgument("${" + name + "} is not known: no earlier step captures it");
    }
    out += found->second;
    at = close + 1;
  }
  return out;
}

}  // namespace tocsin::delivery
