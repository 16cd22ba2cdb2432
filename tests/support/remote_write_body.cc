#include "tests/support/remote_write_body.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace tocsin::testing_support {
namespace {

// Field numbers and wire types of WriteRequest, TimeSeries, Label and Sample.
enum Tag : char {
  kTimeSeries = 0x0a,
  kLabel = 0x0a,
  kSample = 0x12,
  kLabelName = 0x0a,
  kLabelValue = 0x12,
  kSampleValue = 0x09,
  kSampleTime = 0x10,
};

void AppendVarint(std::string& out, uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}

void AppendBytes(std::string& out, Tag tag, std::string_view bytes) {
  out += tag;
  AppendVarint(out, bytes.size());
  out += bytes;
}

void AppendLittleEndian(std::string& out, uint64_t number, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i));
}

std::string Encoded(const Sample& sample) {
  std::string bytes(1, kSampleValue);
  AppendLittleEndian(bytes, std::bit_cast<uint64_t>(sample.value), sizeof(double));
  bytes += kSampleTime;
  AppendVarint(bytes, static_cast<uint64_t>(sample.t_ms));
  return bytes;
}

}  // namespace

void RemoteWriteBody::Add(const LabelSet& labels, std::span<const Sample> samples) {
  std::string series;
  for (const auto& [name, value] : labels) {
    std::string label;
    AppendBytes(label, kLabelName, name);
    AppendBytes(label, kLabelValue, value);
    AppendBytes(series, kLabel, label);
  }
  for (const Sample& sample : samples) AppendBytes(series, kSample, Encoded(sample));
  AppendBytes(request_, kTimeSeries, series);
}

std::string RemoteWriteBody::Take() {
  // A literal's length less one stands in the two bytes after its tag.
  constexpr char kLiteral = static_cast<char>(61 << 2);
  constexpr size_t kLongest = 1 << 16;
  std::string body;
  body.reserve(request_.size() + request_.size() / kLongest * 3 + 16);
  AppendVarint(body, request_.size());
  std::string_view rest = request_;
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, kLongest);
    body += kLiteral;
    AppendLittleEndian(body, part.size() - 1, 2);
    body += part;
    rest.remove_prefix(part.size());
  }
  request_.clear();
  return body;
}

}  // namespace tocsin::testing_support
