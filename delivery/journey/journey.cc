#include "delivery/journey/journey.h"

#include <algorithm>
#include <set>

#include "base/quantity.h"

namespace tocsin::delivery {
namespace {

constexpr size_t kLargestFile = 1 << 30;

// A field that `parse` reads, with the place in its errors.
template <typename T>
Result<std::optional<T>> Optional(YamlMap& map, std::string_view field,
                                  Result<T> (*parse)(std::string_view)) {
  const std::optional<YamlNode> node = map.Find(field);
  if (!node) return std::optional<T>();
  Result<T> value = parse(node->text());
  if (!value.ok()) return node->ErrorHere(value.error().message);
  return std::optional<T>(*value);
}

Result<std::vector<int>> ReadStatuses(YamlMap& map) {
  const std::optional<YamlNode> node = map.Find("status");
  std::vector<int> statuses;
  if (!node) return statuses;
  std::vector<YamlNode> nodes = {*node};
  if (node->kind() == YamlNode::Kind::kSequence) {
    ASSIGN_OR_RETURN(nodes, node->AsList());
  }
  for (const YamlNode& one : nodes) {
    ASSIGN_OR_RETURN(const int64_t status, one.AsInt());
    if (status < 100 || status > 599) return one.ErrorHere("an HTTP status is 100 to 599");
    statuses.push_back(static_cast<int>(status));
  }
  return statuses;
}

Result<Expectation> ReadExpectation(YamlMap& step) {
  Expectation expectation;
  const std::optional<YamlNode> node = step.Find("expect");
  if (!node) return expectation;
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, "an expectation"));
  ASSIGN_OR_RETURN(expectation.statuses, ReadStatuses(map));
  ASSIGN_OR_RETURN(expectation.latency, Optional<Duration>(map, "latency", &ParseSpan));
  ASSIGN_OR_RETURN(expectation.contains, map.OptionalString("contains"));
  ASSIGN_OR_RETURN(const auto members, map.OptionalStringMap("json"));
  for (const auto& [path, value] : members) expectation.json.push_back({path, value});
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return expectation;
}

Result<FormPart> ReadPart(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a part of a form"));
  FormPart part;
  ASSIGN_OR_RETURN(part.name, map.RequiredString("name"));
  ASSIGN_OR_RETURN(part.value, map.OptionalString("value"));
  ASSIGN_OR_RETURN(part.filename, map.OptionalString("filename"));
  ASSIGN_OR_RETURN(part.content_type, map.OptionalString("content_type"));
  ASSIGN_OR_RETURN(const std::optional<double> size, Optional<double>(map, "size", &ParseSize));
  if (size) {
    if (*size > kLargestFile) return map.ErrorAt("size", "a generated file has 1GiB at the most");
    part.size = static_cast<size_t>(*size);
  }
  if (part.size && !part.value.empty()) {
    return node.ErrorHere("a part has either a value or a size");
  }
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return part;
}

Result<std::optional<Polling>> ReadPolling(YamlMap& step) {
  const std::optional<YamlNode> node = step.Find("poll");
  if (!node) return std::optional<Polling>();
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, "polling"));
  Polling polling{.interval = std::chrono::milliseconds(500), .timeout = std::chrono::seconds(30)};
  ASSIGN_OR_RETURN(const auto interval, Optional<Duration>(map, "interval", &ParseSpan));
  ASSIGN_OR_RETURN(const auto timeout, Optional<Duration>(map, "timeout", &ParseSpan));
  if (interval) polling.interval = std::max(*interval, Duration(1));
  if (timeout) polling.timeout = *timeout;
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return std::optional<Polling>(polling);
}

}  // namespace

Result<JourneyStep> ReadJourneyStep(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a step"));
  JourneyStep step;
  ASSIGN_OR_RETURN(step.method, map.OptionalString("method", "GET"));
  ASSIGN_OR_RETURN(step.path, map.RequiredString("path"));
  if (!step.path.starts_with('/')) return map.ErrorAt("path", "a path begins with \"/\"");
  ASSIGN_OR_RETURN(step.name, map.OptionalString("name", step.method + " " + step.path));
  ASSIGN_OR_RETURN(step.headers, map.OptionalStringMap("headers"));
  ASSIGN_OR_RETURN(step.body, map.OptionalString("body"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> parts, map.OptionalList("multipart"));
  for (const YamlNode& part : parts) {
    ASSIGN_OR_RETURN(FormPart read, ReadPart(part));
    step.multipart.push_back(std::move(read));
  }
  if (!step.multipart.empty() && !step.body.empty()) {
    return node.ErrorHere("a step has either a body or multipart");
  }
  ASSIGN_OR_RETURN(step.expect, ReadExpectation(map));
  ASSIGN_OR_RETURN(step.capture, map.OptionalStringMap("capture"));
  ASSIGN_OR_RETURN(step.poll, ReadPolling(map));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return step;
}

namespace {

Result<std::vector<JourneyStep>> ReadSteps(const std::vector<YamlNode>& nodes) {
  std::vector<JourneyStep> steps;
  for (const YamlNode& node : nodes) {
    ASSIGN_OR_RETURN(JourneyStep step, ReadJourneyStep(node));
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<Journey> ReadJourney(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a journey"));
  Journey journey;
  ASSIGN_OR_RETURN(journey.name, map.RequiredString("name"));
  ASSIGN_OR_RETURN(journey.weight, map.OptionalDouble("weight", 1));
  if (!(journey.weight >= 0)) return map.ErrorAt("weight", "a weight is 0 or more");
  ASSIGN_OR_RETURN(const std::vector<YamlNode> steps, map.OptionalList("steps"));
  if (steps.empty()) return node.ErrorHere("journey \"" + journey.name + "\" has no steps");
  ASSIGN_OR_RETURN(const std::vector<YamlNode> setup, map.OptionalList("setup"));
  ASSIGN_OR_RETURN(journey.setup, ReadSteps(setup));
  ASSIGN_OR_RETURN(journey.steps, ReadSteps(steps));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> cleanup, map.OptionalList("cleanup"));
  ASSIGN_OR_RETURN(journey.cleanup, ReadSteps(cleanup));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> teardown, map.OptionalList("teardown"));
  ASSIGN_OR_RETURN(journey.teardown, ReadSteps(teardown));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return journey;
}

}  // namespace

Result<std::vector<Journey>> ParseJourneys(const std::string& file, std::string_view text) {
  ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse(file, text));
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(root, "a journeys file"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, map.OptionalList("journeys"));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  if (nodes.empty()) return root.ErrorHere("there are no journeys");
  std::vector<Journey> journeys;
  std::set<std::string> names;
  for (const YamlNode& node : nodes) {
    ASSIGN_OR_RETURN(Journey journey, ReadJourney(node));
    if (!names.insert(journey.name).second) {
      return node.ErrorHere("there are two journeys \"" + journey.name + "\"");
    }
    journeys.push_back(std::move(journey));
  }
  return journeys;
}

Result<std::vector<Journey>> ChooseJourneys(const std::vector<Journey>& journeys,
                                            const std::vector<std::string>& names,
                                            const std::string& file) {
  if (names.empty()) return journeys;
  std::vector<Journey> chosen;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(journeys, name, &Journey::name);
    if (found == journeys.end()) {
      std::string known;
      for (const Journey& one : journeys) known += (known.empty() ? "" : ", ") + one.name;
      return InvalidArgument(file + " has no journey \"" + name + "\"; it has " + known);
    }
    chosen.push_back(*found);
  }
  return chosen;
}

Journey SingleRequest(std::string_view method, std::string_view path) {
  JourneyStep step;
  step.method = method;
  step.path = path;
  step.name = step.method + " " + step.path;
  return {.name = step.name, .weight = 1, .steps = {step}, .cleanup = {}};
}

}  // namespace tocsin::delivery
