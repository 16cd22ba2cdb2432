// Custom queries in postgres_exporter's file format:
//
//   pg_jobs:
//     query: "SELECT kind, count(*) AS waiting FROM jobs GROUP BY kind"
//     master: true              # only in the database that the configuration names
//     cache_seconds: 60         # ask at most that often
//     runonserver: ">=10.0.0"   # only servers of these versions
//     metrics:
//       - kind:
//           usage: "LABEL"
//           description: "What is to be done"
//       - waiting:
//           usage: "GAUGE"
//           description: "Jobs that wait"
//
// gives pg_jobs_waiting{kind="…"}.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/yaml_reader.h"

namespace tocsin {

// ">=10.0.0 <12.0.0 || 14.1.0": alternatives of conditions that hold together.
class PostgresVersionRange {
 public:
  enum class Relation { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
  struct Condition {
    Relation relation;
    int version;  // 150018

    friend bool operator==(const Condition&, const Condition&) = default;
  };

  // "": every version.
  static Result<PostgresVersionRange> Parse(std::string_view text);
  // As server_version_num gives it: 150018.
  bool Contains(int version) const;

  friend bool operator==(const PostgresVersionRange&, const PostgresVersionRange&) = default;

 private:
  std::vector<std::vector<Condition>> alternatives_;
};

struct PostgresQueryColumn {
  enum class Usage { kDiscard, kLabel, kCounter, kGauge, kMapped, kDuration, kHistogram };
  std::string name;
  Usage usage = Usage::kGauge;
  std::string description;
  std::map<std::string, double> mapping;  // of kMapped: text to number
  PostgresVersionRange versions;

  friend bool operator==(const PostgresQueryColumn&, const PostgresQueryColumn&) = default;
};

struct PostgresQuery {
  std::string name;  // in front of the columns' names
  std::string sql;
  bool master = false;
  Duration cache{};
  PostgresVersionRange versions;
  std::vector<PostgresQueryColumn> columns;

  friend bool operator==(const PostgresQuery&, const PostgresQuery&) = default;
};

// Errors name file, line and column.
Result<std::vector<PostgresQuery>> ReadPostgresQueries(const YamlNode& root);

}  // namespace tocsin
