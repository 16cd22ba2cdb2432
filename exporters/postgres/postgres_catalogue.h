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
  // Of the predefined roles that collectors want, those that this role does not have. Before 14
  // there is no pg_read_all_data: "SELECT" stands for it when the database has a table that the
  // role may not read.
  std::set<std::string, std::less<>> missing_roles;

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
// One row: version, role, database, and the missing roles, separated by commas.
std::string PostgresSessionSql();

PostgresCatalogue ReadPostgresCatalogue(const PostgresRows& session, const PostgresRows& views);

}  // namespace tocsin
