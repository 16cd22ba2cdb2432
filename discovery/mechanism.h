// The ways of finding targets: one row of kMechanisms each (mechanisms.cc).
//
// A mechanism turns what a section of the configuration asks for into sources; a source, asked
// again and again, says which groups of targets there are now, in parts that fail one by one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/http_client.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "discovery/dns_resolver.h"

namespace tocsin {

// What one file, URL or name says.
struct FoundPart {
  std::string name;
  // An error leaves what this part said last in force.
  Result<std::vector<StaticTargets>> groups;
};

// Not thread-safe: one caller asks at a time.
class TargetSource {
 public:
  virtual ~TargetSource() = default;
  // All parts that there are; a part that is no longer among them has no targets.
  virtual std::vector<FoundPart> Find() = 0;
};

struct ScheduledSource {
  std::unique_ptr<TargetSource> source;
  Duration pause{};  // between two questions
};

struct MechanismSpec {
  std::string_view name;  // as Prometheus' metrics call it
  // Answers from this machine at once: asked before the first use.
  bool local = false;
  struct Outside {
    FileSystem& files;
    HttpClient& http;
    DnsResolver& dns;
  };
  std::vector<ScheduledSource> (*sources)(const TargetDiscovery& config, const Outside& outside);
};
std::span<const MechanismSpec> Mechanisms();

}  // namespace tocsin
