#include "cli/description.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "cli/build_info.h"

namespace tocsin::cli {
namespace {

constexpr size_t kMaxPools = 20;
constexpr size_t kMaxOfAPool = 3;
constexpr size_t kMaxOfAList = 5;

std::string Line(std::string_view name, std::string_view text) {
  return fmt::format("  {:<15} {}\n", name, text);
}

std::string Plural(size_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

// "a, b, c and 7 more"
std::string Some(const std::vector<std::string>& texts, size_t at_most) {
  std::string some;
  for (size_t i = 0; i < std::min(texts.size(), at_most); ++i) {
    some += (i == 0 ? "" : ", ") + texts[i];
  }
  if (texts.size() > at_most) some += fmt::format(" and {} more", texts.size() - at_most);
  return some;
}

struct Pool {
  std::vector<std::string> urls;
  Duration interval{};
};

std::string TargetLines(const std::vector<TargetSnapshot>& targets, bool built_in) {
  std::map<std::string, Pool> pools;
  for (const TargetSnapshot& target : targets) {
    if (target.built_in != built_in) continue;
    Pool& pool = pools[target.scrape_pool];
    pool.urls.push_back(target.scrape_url);
    pool.interval = target.interval;
  }
  size_t width = 0;
  for (const auto& [name, pool] : pools) width = std::max(width, name.size());
  std::string text;
  size_t shown = 0;
  for (const auto& [name, pool] : pools) {
    if (++shown > kMaxPools) break;
    text +=
        Line(shown == 1 ? (built_in ? "collects" : "scrapes") : "",
             fmt::format("{:<{}} every {:<4} {}", name, width,
                         FormatPrometheusDuration(pool.interval), Some(pool.urls, kMaxOfAPool)));
  }
  if (pools.size() > kMaxPools) {
    text += Line("", fmt::format("and {}", Plural(pools.size() - kMaxPools, "more job")));
  }
  return text;
}

std::string RulesLine(const Config& config, const RulesSnapshot& rules) {
  if (config.rule_files.empty()) return Line("rules", "none: no rule_files are configured");
  size_t alerting = 0;
  size_t recording = 0;
  for (const RuleGroupSnapshot& group : rules.groups) {
    for (const RuleSnapshot& rule : group.rules) ++(rule.alerting ? alerting : recording);
  }
  return Line("rules", fmt::format("{} and {} in {}", Plural(alerting, "alert"),
                                   Plural(recording, "recording rule"),
                                   Plural(rules.groups.size(), "group")));
}

std::string AlertmanagerLine(const AlertmanagersSnapshot& alertmanagers) {
  std::vector<std::string> urls;
  for (const AlertmanagerSnapshot& one : alertmanagers.active) urls.push_back(one.url);
  return Line("tells",
              urls.empty() ? "nobody: " + alertmanagers.nobody_because : Some(urls, kMaxOfAList));
}

// What the user could set to have more watched.
std::string Suggestions(const Config& config) {
  if (!config.path.empty()) return "";
  std::vector<std::string> unset;
  if (config.collectors.postgres.empty()) unset.emplace_back("DATABASE_URL");
  if (config.collectors.redis.empty()) unset.emplace_back("REDIS_URL");
  if (config.collectors.celery.empty()) unset.emplace_back("CELERY_BROKER_URL");
  if (unset.empty()) return "";
  return Line("not watched", Some(unset, unset.size()) + " not set in the environment");
}

}  // namespace

std::string DescribeFindings(const Findings& findings) {
  const Config& config = findings.config;
  std::string text = fmt::format("tocsin {} listens on {}/\n", BuildVersion(), findings.url);
  text += Line("configuration",
               config.path.empty() ? "none; the defaults and the environment" : config.path);
  text += TargetLines(findings.targets.active, true);
  text += TargetLines(findings.targets.active, false);
  for (size_t i = 0; i < std::min(config.warnings.size(), kMaxOfAList); ++i) {
    text += Line(i == 0 ? "warnings" : "", config.warnings[i]);
  }
  text += Suggestions(config);
  text += RulesLine(config, findings.rules);
  text += AlertmanagerLine(findings.alertmanagers);
  text += Line("keeps", "samples in memory for " + FormatPrometheusDuration(findings.retention));
  return text;
}

}  // namespace tocsin::cli
