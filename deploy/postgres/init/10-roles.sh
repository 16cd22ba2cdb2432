#!/usr/bin/env bash
# The roles of a new server, with passwords from files: the app owns its database and nothing else, and
# tocsin may look and not touch. Run once by the image of Postgres, as the superuser.
set -euo pipefail
psql --no-psqlrc -v ON_ERROR_STOP=1 --username postgres --dbname ai_validation \
  -v secrets="${SECRETS:-/run/secrets}" -f "${ROLES:-/etc/postgresql/roles.sql}"
