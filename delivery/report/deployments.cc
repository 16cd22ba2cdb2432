#include "delivery/report/deployments.h"

#include <algorithm>

#include "base/json.h"

namespace tocsin::delivery {
namespace {

constexpr std::string_view kResults[] = {"succeeded", "rolled_back", "failed"};

std::string TextOf(const JsonValue& json, std::string_view key) {
  const JsonValue* const value = json.Find(key);
  return value == nullptr ? std::string() : std::string(value->TextOrEmpty());
}

Result<Timestamp> TimeOf(const JsonValue& json, std::string_view key) {
  const std::string text = TextOf(json, key);
  if (text.empty()) return InvalidArgument("\"" + std::string(key) + "\" is missing");
  return ParseRfc3339(text);
}

std::vector<GateDecision> ReadGates(const JsonValue& json) {
  std::vector<GateDecision> decisions;
  const JsonValue* const gates = json.Find("gates");
  if (gates == nullptr || gates->AsObject() == nullptr) return decisions;
  const JsonValue* const deciding = json.Find("deciding");
  for (const auto& [gate, verdict] : *gates->AsObject()) {
    GateDecision decision{.gate = gate, .verdict = std::string(verdict.TextOrEmpty())};
    const JsonValue* const by = deciding == nullptr ? nullptr : deciding->Find(gate);
    if (by != nullptr) {
      decision.check = TextOf(*by, "check");
      decision.why = TextOf(*by, "why");
    }
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

Result<Deployment> ReadDeployment(std::string_view line) {
  ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(line));
  Deployment one{.version = TextOf(json, "version"),
                 .color = TextOf(json, "to"),
                 .result = TextOf(json, "result"),
                 .reason = TextOf(json, "reason")};
  ASSIGN_OR_RETURN(one.started, TimeOf(json, "started"));
  ASSIGN_OR_RETURN(one.finished, TimeOf(json, "finished"));
  if (!TextOf(json, "committed").empty()) {
    ASSIGN_OR_RETURN(one.committed, TimeOf(json, "committed"));
  }
  if (one.finished < one.started) return InvalidArgument("it finished before it started");
  if (std::ranges::find(kResults, one.result) == std::end(kResults)) {
    return InvalidArgument("\"result\" is \"" + one.result +
                           "\"; it is one of succeeded, rolled_back, failed");
  }
  one.gates = ReadGates(json);
  return one;
}

std::optional<Duration> Median(std::vector<Duration> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

std::optional<Duration> RestoredAfter(const std::vector<Deployment>& all, const Deployment& bad) {
  if (bad.result == "rolled_back") return bad.finished - bad.started;
  for (const Deployment& next : all) {
    if (next.Succeeded() && next.finished > bad.finished) return next.finished - bad.started;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Deployment>> ReadDeployments(std::string_view file, std::string_view text) {
  std::vector<Deployment> all;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Result<Deployment> one = ReadDeployment(line);
    if (!one.ok()) {
      return Prefixed(std::string(file) + ":" + std::to_string(number) + ": ", one.error());
    }
    all.push_back(*std::move(one));
  }
  std::ranges::stable_sort(all, {}, &Deployment::finished);
  return all;
}

std::vector<Deployment> DeploymentsIn(const std::vector<Deployment>& all,
                                      const ReportPeriod& period) {
  std::vector<Deployment> in;
  std::ranges::copy_if(all, std::back_inserter(in), [&](const Deployment& one) {
    return one.finished > period.from && one.finished <= period.to;
  });
  return in;
}

DoraFigures ComputeDora(const std::vector<Deployment>& all, const ReportPeriod& period) {
  DoraFigures figures;
  std::vector<Duration> lead_times;
  std::vector<Duration> restores;
  for (const Deployment& one : DeploymentsIn(all, period)) {
    ++figures.deployments;
    if (one.Succeeded()) {
      if (one.committed) lead_times.push_back(one.finished - *one.committed);
      continue;
    }
    ++figures.failures;
    if (const auto restored = RestoredAfter(all, one)) restores.push_back(*restored);
  }
  figures.lead_times = lead_times.size();
  figures.lead_time = Median(std::move(lead_times));
  figures.time_to_restore = Median(std::move(restores));
  return figures;
}

}  // namespace tocsin::delivery
