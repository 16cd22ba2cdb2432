// User journeys: what a person does with the app, step by step, and what has to come of it. One
// file serves `tocsin validate`, the probes of `tocsin serve`, the mix of `tocsin load` and the
// gate's load test.
//
//   journeys:
//     - name: video_upload
//       weight: 1                       # its share of a load test's mix; 1 when absent
//       steps:
//         - name: upload                # METHOD path when absent
//           method: POST                # GET when absent
//           path: /api/videos/upload
//           multipart:
//             - {name: file, filename: test.mp4, content_type: video/mp4, size: 64KiB}
//             - {name: project_id, value: "test-${run}"}
//           expect: {status: 202, latency: 1s, json: {status: queued}}
//           capture: {video: id}        # ${video} is the member "id" of the JSON answer
//         - path: /api/projects/test-${run}/videos
//           poll: {interval: 250ms, timeout: 30s}   # again until the expectation holds
//           expect: {status: 200, contains: "${video}", json: {videos.0.status: processed}}
//       cleanup:                        # always run at the end, in this order
//         - {method: DELETE, path: "/api/videos/${video}", expect: {status: [200, 404]}}
//     - name: video_list
//       setup:                          # once before all runs of a load test; before each run
//       elsewhere
//         - {method: POST, path: /api/videos/upload, …, capture: {video: id}}
//       steps:
//         - {path: "/api/projects/list-${setup}/videos", expect: {json: {videos.0.id: "${video}"}}}
//       teardown:                       # once after them
//         - {method: DELETE, path: "/api/videos/${video}"}
//
// ${run} is different for every run, ${setup} the ${run} of the setup; ${name} is what an earlier
// step captured.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/yaml_reader.h"

namespace tocsin::delivery {

// What an answer's JSON must have: a path of member names and indexes ("videos.0.id"), and the
// value there. An expected "number", "string", "bool", "array" or "object" in angle brackets
// ("<number>") asks for that type alone.
struct JsonExpectation {
  std::string path;
  std::string value;
};

struct Expectation {
  std::vector<int> statuses;  // empty: any 2xx
  std::optional<Duration> latency;
  std::string contains;
  std::vector<JsonExpectation> json;
};

// One part of a multipart/form-data body: a text, or a file of `size` bytes made on the spot.
struct FormPart {
  std::string name;
  std::string value;
  std::string filename;
  std::string content_type;
  std::optional<size_t> size;
};

struct Polling {
  Duration interval{};
  Duration timeout{};
};

struct JourneyStep {
  std::string name;
  std::string method = "GET";
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::vector<FormPart> multipart;
  Expectation expect;
  std::vector<std::pair<std::string, std::string>> capture;  // variable, JSON path
  std::optional<Polling> poll;
};

struct Journey {
  std::string name;
  double weight = 1;
  std::vector<JourneyStep> setup = {};  // what it needs, made once for many runs; then removed
  std::vector<JourneyStep> steps;
  std::vector<JourneyStep> cleanup;
  std::vector<JourneyStep> teardown = {};
};

// Errors: "file:line:column: what is wrong".
Result<std::vector<Journey>> ParseJourneys(const std::string& file, std::string_view text);

// Those that are named, in that order; without names all. A name that `file` does not have is an
// error that says which there are.
Result<std::vector<Journey>> ChooseJourneys(const std::vector<Journey>& journeys,
                                            const std::vector<std::string>& names,
                                            const std::string& file);

// One step, as it stands in a journey; gates have such endpoints too.
Result<JourneyStep> ReadJourneyStep(const YamlNode& node);

// The journey that is one GET of a path, for loads and probes without a file.
Journey SingleRequest(std::string_view method, std::string_view path);

}  // namespace tocsin::delivery
