# shellcheck shell=bash
# Where things are. Each may be set in the environment or in the file of --config.
# shellcheck disable=SC2034  # used by the other parts

DEPLOY_DIR=${DEPLOY_DIR:?set by the script}

read_settings() { # [FILE]
  if [ -n "${1:-}" ]; then
    [ -r "$1" ] || fail "$EXIT_USAGE" "--config: $1 cannot be read"
    # shellcheck disable=SC1090
    source "$1"
  fi
  BACKEND=${BACKEND:-compose}
  STATE_DIR=${STATE_DIR:-$DEPLOY_DIR/state}
  NGINX_DIR=${NGINX_DIR:-$DEPLOY_DIR/nginx}
  TARGETS_FILE=${TARGETS_FILE:-$DEPLOY_DIR/prometheus/targets/app.json}
  HOOKS_DIR=${HOOKS_DIR:-$DEPLOY_DIR/hooks}

  # The gates. RULES: files of which no alert may hold for the new color, separated by spaces.
  TOCSIN=${TOCSIN:-tocsin}
  SERVER_URL=${SERVER_URL:-http://127.0.0.1:9977}
  GATES=${GATES:-$DEPLOY_DIR/gates/deployment-gates.yml}
  JOURNEYS=${JOURNEYS:-$DEPLOY_DIR/journeys.yml}
  RULES=${RULES-$(printf '%s ' "$DEPLOY_DIR"/rules/*.yml)} # those that Prometheus and tocsin have
  GATE_TRIES=${GATE_TRIES:-3}      # a gate that does not know is asked again so often

  # The shift. SHIFT_MODE: split (a client stays on its side) or weights.
  # SHIFT_KEY: what is split, in nginx' words; $request_id spreads single requests.
  SHIFT_MODE=${SHIFT_MODE:-split}
  # shellcheck disable=SC2016
  SHIFT_KEY=${SHIFT_KEY:-'$client_key'}
  SHIFT_STEPS=${SHIFT_STEPS:-5 25 50 100}
  STEP_SECONDS=${STEP_SECONDS:-60} # between a shift and its gate
  SOAK_SECONDS=${SOAK_SECONDS:-900}
  STOP_GRACE=${STOP_GRACE:-45}     # longer than nginx' worker_shutdown_timeout
  INTERNAL_URL=${INTERNAL_URL:-http://127.0.0.1:8081}
  HEALTH_PATH=${HEALTH_PATH:-/health}

  # The rehearsal of the migration. MIGRATION_TABLES: where tools keep what they have migrated, of which the rehearsal needs
  # the rows. DATABASE_ADMIN (process, podman): libpq's variables of a superuser, NAME=VALUE separated by spaces, with
  # PGPASSFILE for the password; empty: no rehearsal. REHEARSAL_URL: the app's address of REHEARSAL_DATABASE.
  DATABASE=${DATABASE:-ai_validation}
  REHEARSAL_DATABASE=${REHEARSAL_DATABASE:-${DATABASE}_rehearsal}
  MIGRATION_TABLES=${MIGRATION_TABLES:-alembic_version django_migrations flyway_schema_history schema_migrations}
  DATABASE_ADMIN=${DATABASE_ADMIN-}
  REHEARSAL_URL=${REHEARSAL_URL-}

  # Who is told; empty: nobody.
  ALERTMANAGER_URL=${ALERTMANAGER_URL-}
  GRAFANA_URL=${GRAFANA_URL-}
  GRAFANA_TOKEN_FILE=${GRAFANA_TOKEN_FILE-}
}

# The backend's functions:
#   be_check                whether the backend's own configuration and secrets are there
#   be_start NAME VERSION   base, blue, green or worker; a color that runs is replaced
#   be_stop NAME SECONDS    ends it in peace, after SECONDS by force; nothing when it does not run
#   be_addr COLOR [host]    HOST:PORT for nginx and the monitoring; with `host`, for this script
#   be_running NAME
#   be_nginx test FILE | reload | workers   FILE is a main configuration in NGINX_DIR; reload starts
#                           nginx when it does not run; workers prints the titles of its workers
#   be_migrate VERSION [rehearsal]   the version's migration, with PGOPTIONS in its environment; the rehearsal is in
#                           REHEARSAL_DATABASE
#   be_database [PROGRAM…]  a program of Postgres (psql, pg_dump, …, bash) as the superuser, on the server of DATABASE; without
#                           one, whether that can be done
#   be_logs NAME            the last lines, to standard output
load_backend() {
  local file=$DEPLOY_DIR/lib/backend-$BACKEND.sh
  [ -r "$file" ] || fail "$EXIT_USAGE" "--backend: \"$BACKEND\" is not one of process, compose, podman"
  # shellcheck disable=SC1090
  source "$file"
}
