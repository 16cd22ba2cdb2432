# shellcheck shell=bash
# A migration is rehearsed before anything is changed: in an empty copy of the database, a database of its own, with the
# triggers of postgres/expand-only.sql. What they refuse, and what fails by itself, ends the deployment in `preflight`.
# Statements that cannot be in a transaction are rehearsed like all others. What depends on rows is not seen: it fails in the
# phase `migrate`, where the triggers are asked again.

rehearse() { # VERSION
  local options=${PGOPTIONS:-} code=0
  if ! be_database; then
    say "DATABASE_ADMIN is not set: the migration is not rehearsed"
    return 0
  fi
  copy_database || {
    say "$DATABASE cannot be copied to $REHEARSAL_DATABASE, for the rehearsal of the migration"
    return 1
  }
  [ "$(state .deployment.contract)" != yes ] || options+=" -c expand_only.contract=on"
  PGOPTIONS=$options be_migrate "$1" rehearsal || code=1
  be_database dropdb --force "$REHEARSAL_DATABASE" || say "the database $REHEARSAL_DATABASE is left over"
  [ "$code" = 0 ] || say "the migration of $1 would not be possible; the database is as it was"
  return "$code"
}

# The schema, and the rows of the tables in which tools keep what they have migrated.
copy_database() {
  local owner="" tables=()
  [ "$DRY_RUN" = yes ] || owner=$(be_database psql -XAtq -d postgres -c \
    "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '$DATABASE'") || return 1
  be_database dropdb --if-exists --force "$REHEARSAL_DATABASE" || return 1
  be_database createdb --template=template0 --owner="${owner:-postgres}" "$REHEARSAL_DATABASE" || return 1
  copy_parts --schema-only || return 1
  [ "$DRY_RUN" = no ] || return 0
  mapfile -t tables < <(be_database psql -XAtq -d "$DATABASE" -c \
    "SELECT format('--table=%I.%I', schemaname, tablename) FROM pg_tables WHERE tablename = ANY (string_to_array('$MIGRATION_TABLES', ' '))")
  [ ${#tables[@]} = 0 ] || copy_parts --data-only "${tables[@]}"
}

copy_parts() { # FLAG… of pg_dump
  # shellcheck disable=SC2016  # for that shell
  be_database bash -o pipefail -c 'from=$1 to=$2; shift 2; pg_dump "$@" "$from" | psql -Xq -v ON_ERROR_STOP=1 -o /dev/null "$to"' \
    copy "$DATABASE" "$REHEARSAL_DATABASE" "$@"
}
