// What a server has: its version, its views and their columns, what the role may do.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/postgres/postgres_rows.h"

namespace tocsin {

// Filled for every session, because another server may have taken over the address, and now and
// then anew, because extensions and grants come and go.
struct PostgresCatalogue {
  struct View {
    std::string qualified;  // pg_catalog.pg_stat_io; the extension's schema otherwise
    std::set<std::string, std::less<>> columns;  // none for a function

    friend bool operator==(const View&, const View&) = default;
  };
  int version = 0;  // 150018
  std::string role;
  std::string database;
  std::map<std::string, View, std::less<>> views;
  // Of the predefined roles that collectors want, those that this role does not have.
  std::set<std::string, std::less<>> missing_roles;
  // Before 14, where pg_read_all_data is no role: the database has a table that the role may not
  // read.
  bool has_unreadable_tables = false;

  bool Has(std::string_view view) const { return views.contains(view); }
  bool Has(std::string_view view, std::string_view column) const {
    const auto found = views.find(view);
    return found != views.end() && found->second.columns.contains(column);
  }
};

// Views, columns and functions that the table of parts asks for: schema, name, column ("" for a
// function). Only what Postgres itself or an extension brought: a table of that name that a user
// made is none of it.
std::string PostgresViewsSql();
// One row: version, role, database, the missing roles, separated by commas, and before 14 whether
// there are tables that the role may not read.
std::string PostgresSessionSql();

PostgresCatalogue ReadPostgresCatalogue(const PostgresRows& session, const PostgresRows& views);

}  // namespace tocsin
