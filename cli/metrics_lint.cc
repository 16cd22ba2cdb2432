#include "cli/metrics_lint.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "engine/exposition/parser.h"

namespace tocsin::cli {
namespace {

// --- reading ----------------------------------------------------------------------------------

// Gathers samples into families as the text format means it: x_bucket belongs to the histogram x.
class FamilyReader {
 public:
  explicit FamilyReader(std::string_view page) : parser_(page, ExpositionFormat::kPrometheusText) {}

  Result<std::vector<LintedFamily>> Read() {
    for (;;) {
      switch (parser_.Next()) {
        case ExpositionEvent::kEnd:
          return std::move(families_);
        case ExpositionEvent::kError:
          return parser_.error();
        case ExpositionEvent::kHelp: {
          LintedFamily& family = Family(parser_.family());
          if (family.has_help) return Twice("HELP");
          family.has_help = true;
          break;
        }
        case ExpositionEvent::kType: {
          LintedFamily& family = Family(parser_.family());
          if (!typed_.emplace(parser_.family(), true).second) return Twice("TYPE");
          if (family.samples > 0) {
            return At(fmt::format("TYPE reported after samples for metric name \"{}\"",
                                  parser_.family()));
          }
          family.type = parser_.type();
          break;
        }
        case ExpositionEvent::kUnit:
          break;
        case ExpositionEvent::kSample:
          RETURN_IF_ERROR(AddSample());
          break;
      }
    }
  }

 private:
  Error At(const std::string& message) const {
    return InvalidArgument(
        fmt::format("text format parsing error in line {}: {}", parser_.line(), message));
  }
  Error Twice(std::string_view what) const {
    return At(fmt::format("second {} line for metric name \"{}\"", what, parser_.family()));
  }

  LintedFamily& Family(const std::string& name) {
    const auto [found, is_new] = index_.emplace(name, families_.size());
    if (is_new) families_.push_back({.name = name, .line = parser_.line(), .label_names = {}});
    return families_[found->second];
  }

  // The family of a sample with this name.
  LintedFamily& Owner(const std::string& name) {
    struct Suffix {
      std::string_view text;
      bool of_summary;
    };
    constexpr Suffix kSuffixes[] = {{"_bucket", false}, {"_count", true}, {"_sum", true}};
    if (!index_.contains(name)) {
      for (const Suffix& suffix : kSuffixes) {
        if (!name.ends_with(suffix.text)) continue;
        const auto found = index_.find(name.substr(0, name.size() - suffix.text.size()));
        if (found == index_.end()) continue;
        const MetricType type = families_[found->second].type;
        if (type == MetricType::kHistogram || (suffix.of_summary && type == MetricType::kSummary)) {
          return families_[found->second];
        }
      }
    }
    return Family(name);
  }

  Status AddSample() {
    ASSIGN_OR_RETURN(const LabelSet labels, parser_.ReadLabels());
    LintedFamily& family = Owner(std::string(labels.Get(kMetricName)));
    ++family.samples;
    for (const auto& [name, value] : labels) {
      if (name == kMetricName || std::ranges::count(family.label_names, name) > 0) continue;
      family.label_names.push_back(name);
    }
    return Ok();
  }

  ExpositionParser parser_;
  std::vector<LintedFamily> families_;
  std::map<std::string, size_t> index_;
  std::map<std::string, bool> typed_;
};

// --- the checks -------------------------------------------------------------------------------

struct Problem {
  std::string text;
  std::string fix;
};
using Problems = std::vector<Problem>;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

bool HasPart(std::string_view name, std::string_view part) {
  const std::string suffix = "_" + std::string(part);
  return name.find(suffix + "_") != std::string_view::npos || name.ends_with(suffix);
}

bool IsCamelCase(std::string_view name) {
  for (size_t i = 1; i < name.size(); ++i) {
    if (std::islower(static_cast<unsigned char>(name[i - 1])) != 0 &&
        std::isupper(static_cast<unsigned char>(name[i])) != 0) {
      return true;
    }
  }
  return false;
}

std::string SnakeCase(std::string_view name) {
  std::string snake;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    const bool hump =
        i > 0 && std::isupper(c) != 0 && std::islower(static_cast<unsigned char>(name[i - 1])) != 0;
    if (hump) snake += '_';
    snake += static_cast<char>(std::tolower(c));
  }
  return snake;
}

void LintHelp(const LintedFamily& family, Problems& problems) {
  if (!family.has_help) {
    problems.push_back({"no help text", "# HELP " + family.name + " What it counts."});
  }
}

struct UnitRow {
  std::string_view unit;
  std::string_view base;
};
constexpr UnitRow kUnits[] = {
    {"amperes", "amperes"}, {"bytes", "bytes"},        {"celsius", "celsius"},
    {"grams", "grams"},     {"joules", "joules"},      {"kelvin", "kelvin"},
    {"meters", "meters"},   {"metres", "metres"},      {"seconds", "seconds"},
    {"volts", "volts"},     {"minutes", "seconds"},    {"hours", "seconds"},
    {"days", "seconds"},    {"weeks", "seconds"},      {"kelvins", "kelvin"},
    {"rankine", "celsius"}, {"fahrenheit", "celsius"}, {"inches", "meters"},
    {"yards", "meters"},    {"miles", "meters"},       {"bits", "bytes"},
    {"calories", "joules"}, {"pounds", "grams"},       {"ounces", "grams"},
};
constexpr std::string_view kUnitPrefixes[] = {"pico", "nano",  "micro", "milli", "centi", "deci",
                                              "deca", "hecto", "kilo",  "kibi",  "mega",  "mibi",
                                              "giga", "gibi",  "tera",  "tebi",  "peta",  "pebi"};

std::optional<UnitRow> UnitOf(std::string_view part) {
  const auto* const row = std::ranges::find(kUnits, part, &UnitRow::unit);
  if (row != std::end(kUnits)) return *row;
  for (const std::string_view prefix : kUnitPrefixes) {
    if (!part.starts_with(prefix)) continue;
    const auto* const base = std::ranges::find(kUnits, part.substr(prefix.size()), &UnitRow::unit);
    if (base != std::end(kUnits)) return UnitRow{part, base->base};
  }
  return std::nullopt;
}

void LintUnits(const LintedFamily& family, Problems& problems) {
  std::string_view rest = family.name;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('_'), rest.size());
    const std::optional<UnitRow> unit = UnitOf(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!unit) continue;
    if (unit->unit != unit->base) {
      problems.push_back(
          {fmt::format("use base unit \"{}\" instead of \"{}\"", unit->base, unit->unit), ""});
    }
    return;
  }
}

void LintCounter(const LintedFamily& family, Problems& problems) {
  const bool total = family.name.ends_with("_total");
  if (family.type == MetricType::kCounter && !total) {
    problems.push_back({"counter metrics should have \"_total\" suffix", family.name + "_total"});
  } else if (family.type != MetricType::kCounter && family.type != MetricType::kUntyped && total) {
    problems.push_back({"non-counter metrics should not have \"_total\" suffix",
                        family.name.substr(0, family.name.size() - 6)});
  }
}

void LintReserved(const LintedFamily& family, Problems& problems) {
  if (family.type == MetricType::kUntyped) return;
  const bool histogram = family.type == MetricType::kHistogram;
  const bool summary = family.type == MetricType::kSummary;
  const std::string& name = family.name;
  const auto has_label = [&](std::string_view label) {
    return std::ranges::find(family.label_names, label) != family.label_names.end();
  };
  if (!histogram && name.ends_with("_bucket")) {
    problems.push_back({"non-histogram metrics should not have \"_bucket\" suffix", ""});
  }
  if (!histogram && !summary && name.ends_with("_count")) {
    problems.push_back(
        {"non-histogram and non-summary metrics should not have \"_count\" suffix", ""});
  }
  if (!histogram && !summary && name.ends_with("_sum")) {
    problems.push_back(
        {"non-histogram and non-summary metrics should not have \"_sum\" suffix", ""});
  }
  if (!histogram && has_label("le")) {
    problems.push_back({"non-histogram metrics should not have \"le\" label", ""});
  }
  if (!summary && has_label("quantile")) {
    problems.push_back({"non-summary metrics should not have \"quantile\" label", ""});
  }
}

void LintTypeInName(const LintedFamily& family, Problems& problems) {
  const std::string name = Lower(family.name);
  for (const std::string_view type :
       {"counter", "gauge", "summary", "histogram", "gauge_histogram"}) {
    if (HasPart(name, type)) {
      problems.push_back({fmt::format("metric name should not include type '{}'", type), ""});
    }
  }
}

void LintColons(const LintedFamily& family, Problems& problems) {
  if (family.name.find(':') == std::string::npos) return;
  problems.push_back(
      {"metric names should not contain ':'", "colons are for what recording rules make"});
}

void LintCamelCase(const LintedFamily& family, Problems& problems) {
  if (IsCamelCase(family.name)) {
    problems.push_back(
        {"metric names should be written in 'snake_case' not 'camelCase'", SnakeCase(family.name)});
  }
  for (const std::string& label : family.label_names) {
    if (!IsCamelCase(label)) continue;
    problems.push_back(
        {"label names should be written in 'snake_case' not 'camelCase'", SnakeCase(label)});
  }
}

void LintAbbreviations(const LintedFamily& family, Problems& problems) {
  const std::string name = Lower(family.name);
  for (const std::string_view unit :
       {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}) {
    if (HasPart(name, unit)) {
      problems.push_back({"metric names should not contain abbreviated units", ""});
    }
  }
}

struct CheckRow {
  std::string_view name;
  void (*check)(const LintedFamily& family, Problems& problems);
};
constexpr CheckRow kChecks[] = {
    {"metrics/help", &LintHelp},       {"metrics/unit", &LintUnits},
    {"metrics/total", &LintCounter},   {"metrics/reserved", &LintReserved},
    {"metrics/type", &LintTypeInName}, {"metrics/colon", &LintColons},
    {"metrics/case", &LintCamelCase},  {"metrics/abbreviation", &LintAbbreviations},
};

}  // namespace

Result<std::vector<LintedFamily>> ReadFamilies(std::string_view page) {
  return FamilyReader(page).Read();
}

std::vector<Finding> LintMetrics(const std::vector<LintedFamily>& families, std::string_view file) {
  std::vector<Finding> findings;
  for (const LintedFamily& family : families) {
    if (family.samples == 0) continue;  // as if it were not there
    for (const CheckRow& row : kChecks) {
      Problems problems;
      row.check(family, problems);
      for (Problem& problem : problems) {
        findings.push_back({.severity = Severity::kWarning,
                            .check = std::string(row.name),
                            .file = std::string(file),
                            .line = static_cast<int>(family.line),
                            .column = 1,
                            .message = family.name + ": " + problem.text,
                            .explanation = {},
                            .fix = std::move(problem.fix)});
      }
    }
  }
  std::ranges::stable_sort(findings, {}, &Finding::message);
  return findings;
}

std::string PromlintLine(const Finding& finding) {
  const size_t colon = finding.message.find(": ");
  return finding.message.substr(0, colon) + finding.message.substr(colon + 1) + "\n";
}

std::string CardinalityTable(const std::vector<LintedFamily>& families) {
  std::vector<LintedFamily> sorted = families;
  std::erase_if(sorted, [](const LintedFamily& family) { return family.samples == 0; });
  std::ranges::stable_sort(sorted, std::greater<>(), &LintedFamily::samples);
  size_t total = 0;
  size_t width = 6;
  for (const LintedFamily& family : sorted) {
    total += family.samples;
    width = std::max(width, family.name.size());
  }
  std::string table = fmt::format("{:<{}}    Cardinality    Percentage\n", "Metric", width);
  for (const LintedFamily& family : sorted) {
    table += fmt::format("{:<{}}    {:<11}    {:.2f}%\n", family.name, width, family.samples,
                         100.0 * static_cast<double>(family.samples) / static_cast<double>(total));
  }
  return table + fmt::format("{:<{}}    {:<11}    100%\n", "Total", width, total);
}

}  // namespace tocsin::cli
