#include "config/postgres_queries.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace tocsin {
namespace {

using Range = PostgresVersionRange;
using Usage = PostgresQueryColumn::Usage;

struct UsageName {
  std::string_view name;
  Usage usage;
};
constexpr UsageName kUsages[] = {
    {"DISCARD", Usage::kDiscard},     {"LABEL", Usage::kLabel},
    {"COUNTER", Usage::kCounter},     {"GAUGE", Usage::kGauge},
    {"MAPPEDMETRIC", Usage::kMapped}, {"DURATION", Usage::kDuration},
    {"HISTOGRAM", Usage::kHistogram},
};

struct RelationName {
  std::string_view sign;
  Range::Relation relation;
};
// Longer signs first.
constexpr RelationName kRelations[] = {
    {">=", Range::Relation::kGreaterOrEqual}, {"<=", Range::Relation::kLessOrEqual},
    {"!=", Range::Relation::kNotEqual},       {"==", Range::Relation::kEqual},
    {">", Range::Relation::kGreater},         {"<", Range::Relation::kLess},
    {"=", Range::Relation::kEqual},           {"!", Range::Relation::kNotEqual},
};

bool IsName(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::ranges::all_of(text, [](char c) {
           return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
         });
}

// "15.18.0": Postgres has two numbers since version 10, 9.6.24 had three.
std::optional<int> ReadVersion(std::string_view text) {
  int parts[3] = {0, 0, 0};
  for (int& part : parts) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
    if (error != std::errc() || part < 0 || part > 9999) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) break;
    if (text[0] != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return parts[0] >= 10 ? parts[0] * 10'000 + parts[1]
                        : parts[0] * 10'000 + parts[1] * 100 + parts[2];
}

std::optional<Range::Condition> ReadCondition(std::string_view text) {
  Range::Relation relation = Range::Relation::kEqual;
  for (const RelationName& known : kRelations) {
    if (!text.starts_with(known.sign)) continue;
    relation = known.relation;
    text.remove_prefix(known.sign.size());
    break;
  }
  const std::optional<int> version = ReadVersion(text);
  if (!version) return std::nullopt;
  return Range::Condition{relation, *version};
}

bool Holds(const Range::Condition& condition, int version) {
  switch (condition.relation) {
    case Range::Relation::kEqual:
      return version == condition.version;
    case Range::Relation::kNotEqual:
      return version != condition.version;
    case Range::Relation::kLess:
      return version < condition.version;
    case Range::Relation::kLessOrEqual:
      return version <= condition.version;
    case Range::Relation::kGreater:
      return version > condition.version;
    case Range::Relation::kGreaterOrEqual:
      return version >= condition.version;
  }
  return false;
}

Result<Range> ReadVersions(YamlMap& map, std::string_view field) {
  ASSIGN_OR_RETURN(const std::string text, map.OptionalString(field));
  Result<Range> range = Range::Parse(text);
  if (!range.ok()) return map.ErrorAt(field, range.error().message);
  return range;
}

Result<PostgresQueryColumn> ReadColumn(const YamlNode& name, const YamlNode& node) {
  PostgresQueryColumn column;
  column.name = name.text();
  if (!IsName(column.name)) {
    return name.ErrorHere(fmt::format("\"{}\" cannot be a column in a metric name", column.name));
  }
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a column"));
  ASSIGN_OR_RETURN(std::string usage, fields.RequiredString("usage"));
  std::ranges::transform(usage, usage.begin(), [](unsigned char c) { return std::toupper(c); });
  const auto* known = std::ranges::find(kUsages, usage, &UsageName::name);
  if (known == std::end(kUsages)) {
    return fields.ErrorAt("usage",
                          fmt::format("\"{}\" is no usage; there are COUNTER, GAUGE, LABEL, "
                                      "DISCARD, MAPPEDMETRIC, DURATION and HISTOGRAM",
                                      usage));
  }
  column.usage = known->usage;
  ASSIGN_OR_RETURN(column.description, fields.OptionalString("description"));
  ASSIGN_OR_RETURN(const auto mapping, fields.OptionalStringMap("metric_mapping"));
  for (const auto& [text, number] : mapping) {
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size()) {
      return fields.ErrorAt("metric_mapping", fmt::format("\"{}\" is no number", number));
    }
    column.mapping.emplace(text, value);
  }
  ASSIGN_OR_RETURN(column.versions, ReadVersions(fields, "supported_versions"));
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  return column;
}

Result<PostgresQuery> ReadQuery(const YamlNode& name, const YamlNode& node) {
  PostgresQuery query;
  query.name = name.text();
  if (!IsName(query.name)) {
    return name.ErrorHere(fmt::format("\"{}\" cannot begin a metric name", query.name));
  }
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a query"));
  ASSIGN_OR_RETURN(query.sql, fields.RequiredString("query"));
  ASSIGN_OR_RETURN(query.master, fields.OptionalBool("master", false));
  ASSIGN_OR_RETURN(const int64_t cache, fields.OptionalInt("cache_seconds", 0));
  if (cache < 0) return fields.ErrorAt("cache_seconds", "a time cannot be negative");
  query.cache = std::chrono::seconds(cache);
  ASSIGN_OR_RETURN(query.versions, ReadVersions(fields, "runonserver"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> metrics, fields.OptionalList("metrics"));
  for (const YamlNode& metric : metrics) {
    ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> columns, metric.AsEntries());
    for (const auto& [column_name, column_node] : columns) {
      ASSIGN_OR_RETURN(PostgresQueryColumn column, ReadColumn(column_name, column_node));
      query.columns.push_back(std::move(column));
    }
  }
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  return query;
}

}  // namespace

Result<PostgresVersionRange> PostgresVersionRange::Parse(std::string_view text) {
  const auto broken = [text] {
    return InvalidArgument(fmt::format(
        "\"{}\" is no range of versions; expected for example \">=10.0.0 <15.0.0\"", text));
  };
  PostgresVersionRange range;
  std::vector<Condition> conditions;
  std::string_view rest = text;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.empty()) break;
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    if (word == "||") {
      if (conditions.empty()) return broken();
      range.alternatives_.push_back(std::move(conditions));
      conditions.clear();
      continue;
    }
    const std::optional<Condition> condition = ReadCondition(word);
    if (!condition) return broken();
    conditions.push_back(*condition);
  }
  if (conditions.empty() && !range.alternatives_.empty()) return broken();
  if (!conditions.empty()) range.alternatives_.push_back(std::move(conditions));
  return range;
}

bool PostgresVersionRange::Contains(int version) const {
  return alternatives_.empty() ||
         std::ranges::any_of(alternatives_, [version](const std::vector<Condition>& together) {
           return std::ranges::all_of(
               together, [version](const Condition& one) { return Holds(one, version); });
         });
}

Result<std::vector<PostgresQuery>> ReadPostgresQueries(const YamlNode& root) {
  std::vector<PostgresQuery> queries;
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, root.AsEntries());
  for (const auto& [name, node] : entries) {
    ASSIGN_OR_RETURN(PostgresQuery query, ReadQuery(name, node));
    queries.push_back(std::move(query));
  }
  return queries;
}

}  // namespace tocsin
