#include "exporters/collectors.h"

#include "exporters/celery/celery_collector.h"
#include "exporters/journey/journey_collector.h"
#include "exporters/nginx/nginx_collector.h"
#include "exporters/node/node_collector.h"
#include "exporters/postgres/postgres_collector.h"
#include "exporters/probe/probe_collector.h"
#include "exporters/redis/redis_collector.h"
#include "exporters/self/self_collector.h"

namespace tocsin {
namespace {

constexpr std::string_view kWildcard = "*";

bool Names(const FamilySpec& family, std::string_view metric) {
  if (!family.name.ends_with(kWildcard)) return family.name == metric;
  const std::string_view prefix = family.name.substr(0, family.name.size() - kWildcard.size());
  return metric.size() > prefix.size() && metric.starts_with(prefix);
}

}  // namespace

std::span<const CollectorSpec> Collectors() {
  static const CollectorSpec kCollectors[] = {
      CeleryCollectorSpec(),   JourneyCollectorSpec(), NginxCollectorSpec(), NodeCollectorSpec(),
      PostgresCollectorSpec(), ProbeCollectorSpec(),   RedisCollectorSpec(), SelfCollectorSpec(),
  };
  return kCollectors;
}

const CollectorSpec* FindCollector(std::string_view name) {
  for (const CollectorSpec& collector : Collectors()) {
    if (collector.name == name) return &collector;
  }
  return nullptr;
}

Status CheckCollectors(const Config& config) {
  for (const CollectorSpec& collector : Collectors()) {
    if (collector.check == nullptr) continue;
    for (const CollectorTarget& target : collector.targets(config, "")) {
      RETURN_IF_ERROR(collector.check(*target.config));
    }
  }
  return Ok();
}

const FamilySpec* FindFamily(std::string_view metric_name) {
  const FamilySpec* wildcard = nullptr;
  for (const CollectorSpec& collector : Collectors()) {
    for (const FamilySpec& family : collector.families) {
      if (family.name == metric_name) return &family;
      if (Names(family, metric_name)) wildcard = &family;
    }
  }
  return wildcard;
}

}  // namespace tocsin
