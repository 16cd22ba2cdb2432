// Every table of the kernel may hold anything: the parts read it or say that they cannot.
#include "exporters/node/parts.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/fake_clock.h"

namespace {

// Every file has the same content, and every folder the same names.
class OneText final : public tocsin::FileSystem {
 public:
  explicit OneText(std::string_view text) : text_(text) {}
  tocsin::Result<std::string> Read(const std::string&, size_t) const override { return text_; }
  tocsin::Status WriteAtomically(const std::string&, std::string_view) override { return {}; }
  tocsin::Status Append(const std::string&, std::string_view) override { return {}; }
  tocsin::Status Remove(const std::string&) override { return {}; }
  bool Exists(const std::string&) const override { return true; }
  std::vector<std::string> Glob(const std::string&) const override { return {}; }
  tocsin::Result<std::vector<std::string>> List(const std::string&) const override {
    return std::vector<std::string>{"cpu0", "cooling_device0", "a.prom", "eth0"};
  }

 private:
  const std::string text_;
};

class NoHost final : public tocsin::HostCalls {
 public:
  tocsin::Result<tocsin::FilesystemUsage> Usage(const std::string&) const override {
    return tocsin::FilesystemUsage{};
  }
  tocsin::Result<tocsin::SystemNames> Names() const override { return tocsin::SystemNames{}; }
  tocsin::Result<tocsin::ClockDiscipline> Discipline() const override {
    return tocsin::ClockDiscipline{};
  }
};

class CountingSink final : public tocsin::MetricSink {
 public:
  void Write(const tocsin::FamilySpec&, std::span<const LabelView>, double) override { ++samples; }
  void WriteSuffixed(const tocsin::FamilySpec&, std::string_view, std::span<const LabelView>,
                     double) override {
    ++samples;
  }
  size_t samples = 0;
};

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text = tocsin::fuzz::TextOf(bytes, size);
  const OneText files(text);
  const NoHost host;
  const tocsin::testing_support::FakeClock clock;
  tocsin::NodeConfig config;
  config.textfile_directory = "/text";
  for (const tocsin::NodePart& part : tocsin::NodeParts()) {
    CountingSink sink;
    static_cast<void>(
        part.collect({.config = config, .files = files, .host = host, .clock = clock}, sink));
    tocsin::fuzz::Require(sink.samples <= 100 + 20 * size, "samples grow with the table", text);
  }
  return 0;
}
