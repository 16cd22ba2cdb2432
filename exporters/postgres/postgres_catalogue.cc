#include "exporters/postgres/postgres_catalogue.h"

#include "exporters/postgres/postgres_parts.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

std::string Listed(const std::set<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) {
    text.append(text.empty() ? "'" : ", '").append(name).append("'");
  }
  return text;
}

}  // namespace

std::string PostgresViewsSql() {
  std::set<std::string_view> names;
  for (const PostgresPart& part : PostgresParts()) {
    if (!part.view.empty()) names.insert(part.view);
    if (!part.needs.empty()) names.insert(part.needs);
  }
  const std::string list = Listed(names);
  return "SELECT n.nspname, c.relname, a.attname FROM pg_class c "
         "JOIN pg_namespace n ON n.oid = c.relnamespace "
         "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
         "WHERE c.relkind = 'v' AND c.relname IN (" +
         list +
         ") AND (n.nspname = 'pg_catalog' OR EXISTS (SELECT 1 FROM pg_depend d WHERE "
         "d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')) "
         "UNION ALL SELECT n.nspname, p.proname, '' FROM pg_proc p "
         "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.proname IN (" +
         list +
         ") AND EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass "
         "AND d.objid = p.oid AND d.deptype = 'e')";
}

std::string PostgresSessionSql() {
  std::set<std::string_view> roles;
  for (const PostgresPart& part : PostgresParts()) {
    if (!part.role.empty()) roles.insert(part.role);
  }
  return "SELECT current_setting('server_version_num'), current_user, current_database(), "
         "(SELECT string_agg(rolname::text, ',') FROM pg_roles WHERE rolname IN (" +
         Listed(roles) +
         ") AND NOT pg_has_role(rolname, 'USAGE')), EXISTS (SELECT 1 "
         "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
         "WHERE current_setting('server_version_num')::int < 140000 AND c.relkind IN ('r', 'm') "
         "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
         "AND NOT has_table_privilege(c.oid, 'SELECT'))";
}

PostgresCatalogue ReadPostgresCatalogue(const PostgresRows& session, const PostgresRows& views) {
  PostgresCatalogue catalogue;
  if (session.rows() == 1 && session.columns().size() == 5) {
    catalogue.version = static_cast<int>(NumberOrZero(session.At(0, 0).value_or("")));
    catalogue.role = session.At(0, 1).value_or("");
    catalogue.database = session.At(0, 2).value_or("");
    std::string_view missing = session.At(0, 3).value_or("");
    while (!missing.empty()) {
      const size_t comma = std::min(missing.find(','), missing.size());
      catalogue.missing_roles.emplace(missing.substr(0, comma));
      missing.remove_prefix(std::min(comma + 1, missing.size()));
    }
    catalogue.has_unreadable_tables = session.At(0, 4) == "t";
  }
  if (views.columns().size() != 3) return catalogue;
  for (size_t row = 0; row < views.rows(); ++row) {
    const std::string name(views.At(row, 1).value_or(""));
    PostgresCatalogue::View& view = catalogue.views[name];
    view.qualified = std::string(views.At(row, 0).value_or("")) + "." + name;
    const std::string_view column = views.At(row, 2).value_or("");
    if (!column.empty()) view.columns.emplace(column);
  }
  return catalogue;
}

}  // namespace tocsin
