// Makes bodies of remote write 1.0: a WriteRequest, snappy-compressed, for tests that load data
// into tocsin and into Prometheus.
//
// Formats: prometheus.io/docs/specs/prw/remote_write_spec, the wire format of protobuf, and
// google/snappy's format_description.txt, of which only literals are used: larger, and fast to
// make.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/model/label_set.h"
#include "engine/model/sample.h"

namespace tocsin::testing_support {

class RemoteWriteBody {
 public:
  // `samples` by time.
  void Add(const LabelSet& labels, std::span<const Sample> samples);
  // Of what was added and is not compressed yet.
  size_t bytes() const { return request_.size(); }
  // What was added, as the body of a request; nothing is left.
  std::string Take();

 private:
  std::string request_;
};

}  // namespace tocsin::testing_support
