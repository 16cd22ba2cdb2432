# shellcheck shell=bash
# Colors as services of docker-compose.prod.yml, for Docker Compose v2. The images are there already: nothing
# is built here.

COMPOSE_FILE=${COMPOSE_FILE:-$DEPLOY_DIR/docker-compose.prod.yml} # or several, FILE:FILE, later ones over earlier ones
PROJECT=${PROJECT:-tocsin}
BLUE_PORT=${BLUE_PORT:-8001} GREEN_PORT=${GREEN_PORT:-8002} # of this machine, for the gates
export BLUE_PORT GREEN_PORT
BASE_SERVICES=${BASE_SERVICES:-postgres redis-broker redis-cache alertmanager tocsin prometheus grafana}

_compose() {
  local blue green worker file files=()
  while read -r file; do files+=(-f "$file"); done <<<"${COMPOSE_FILE//:/$'\n'}"
  blue=$(state .versions.blue) green=$(state .versions.green) worker=$(state .versions.worker)
  BLUE_VERSION=${blue:-none} GREEN_VERSION=${green:-none} WORKER_VERSION=${worker:-none} \
    docker compose --ansi never -p "$PROJECT" "${files[@]}" "$@" 9>&-
}

_service() { # NAME
  if [ "$1" = worker ]; then echo celery-worker; else echo "app-$1"; fi
}

be_check() {
  local file problems=0
  [ "$DRY_RUN" = no ] || return 0
  _compose config -q || return 1
  while read -r file; do
    [ ! -s "$file" ] || [ ! -r "$file" ] || continue
    say "the secret $file is missing or empty: secrets/generate.sh makes what is missing"
    problems=1
  done < <(_compose config --format json | jq -r '.secrets // {} | .[].file // empty')
  return "$problems"
}

be_addr() { # COLOR [host]
  if [ "${2:-}" != host ]; then
    echo "app-$1:8000"
  elif [ "$1" = blue ]; then
    echo "127.0.0.1:$BLUE_PORT"
  else
    echo "127.0.0.1:$GREEN_PORT"
  fi
}

be_running() { # NAME
  [ "$DRY_RUN" = no ] || return 0
  [ -n "$(_compose ps -q --status running "$(_service "$1")" 2>/dev/null)" ]
}

be_start() { # NAME VERSION
  if [ "$1" = base ]; then
    # shellcheck disable=SC2086
    run _compose up -d --wait --no-build $BASE_SERVICES
    return $?
  fi
  run _compose up -d --no-deps --no-build --force-recreate "$(_service "$1")"
}

be_stop() { # NAME SECONDS
  run _compose stop -t "$2" "$(_service "$1")"
}

be_nginx() { # test FILE | reload | workers
  case $1 in
    test)
      if _nginx_runs; then
        run _compose exec -T nginx nginx -t -q -c "/etc/nginx/$2"
      else
        run _compose run --rm -T --no-deps nginx nginx -t -q -c "/etc/nginx/$2"
      fi
      ;;
    reload)
      if _nginx_runs; then
        run _compose exec -T nginx nginx -s reload
      else
        run _compose up -d --no-deps --no-build nginx
      fi
      ;;
    workers) _compose top nginx 2>/dev/null | grep -o 'nginx: worker.*' || true ;;
  esac
}

_nginx_runs() { [ -n "$(_compose ps -q --status running nginx 2>/dev/null)" ]; }

be_migrate() { # VERSION [rehearsal]
  MIGRATE_VERSION=$1 run_long _compose run --rm -T ${PGOPTIONS:+-e "PGOPTIONS=$PGOPTIONS"} \
    ${2:+-e DATABASE_URL_FILE=/run/secrets/rehearsal_url} migrate
}

be_database() { # [PROGRAM…]
  [ $# = 0 ] || run _compose exec -T -e PGUSER=postgres postgres "$@"
}

be_logs() { # NAME
  _compose logs --no-color --tail=200 "$(_service "$1")" 2>&1 || true
}
