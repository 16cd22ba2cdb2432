# shellcheck shell=bash
# Colors as containers of podman, without a compose file: on one network, on which they have the names app-blue and
# app-green, like the servers that APP_ENV_FILE names. nginx is a container too.

PODMAN=${PODMAN:-podman} # may have flags: "podman --root /srv/containers"
PROJECT=${PROJECT:-tocsin}
NETWORK=${NETWORK:-tocsin}
APP_IMAGE=${APP_IMAGE:-ai-validation}
NGINX_IMAGE=${NGINX_IMAGE:-nginx:1.27.4-alpine}
APP_ENV_FILE=${APP_ENV_FILE:?a file with NAME=VALUE lines for the colors}
APP_COMMAND=${APP_COMMAND:-}      # empty: that of the image
APP_MEMORY_LIMIT=${APP_MEMORY_LIMIT:-} # of one color, in bytes; empty: none
APP_FLAGS=${APP_FLAGS:-}          # more flags of podman run, for colors, worker and migration
NGINX_FLAGS=${NGINX_FLAGS:-}
BLUE_PORT=${BLUE_PORT:-8001} GREEN_PORT=${GREEN_PORT:-8002}
HTTP_PORT=${HTTP_PORT:-8080} INTERNAL_PORT=${INTERNAL_PORT:-8081}

_podman() {
  # shellcheck disable=SC2086
  $PODMAN "$@" 9>&-
}

HARDENING=(--read-only --read-only-tmpfs=false --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --pids-limit 256)

_container() { # NAME
  if [ "$1" = worker ]; then echo "$PROJECT-worker"; else echo "$PROJECT-app-$1"; fi
}

be_check() { :; }

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
  [ "$(_podman inspect -f '{{.State.Running}}' "$(_container "$1")" 2>/dev/null)" = true ]
}

be_start() { # NAME VERSION
  local address flags=(-d --replace --name "$(_container "$1")" --network "$NETWORK" --env-file "$APP_ENV_FILE")
  case $1 in
    base) return 0 ;;
    worker)
      [ -n "${WORKER_COMMAND:-}" ] || return 0
      # shellcheck disable=SC2086
      run _podman run "${flags[@]}" "${HARDENING[@]}" $APP_FLAGS "$APP_IMAGE:$2" $WORKER_COMMAND >/dev/null
      return $?
      ;;
  esac
  address=$(be_addr "$1" host)
  # shellcheck disable=SC2086
  run _podman run "${flags[@]}" "${HARDENING[@]}" --network-alias "app-$1" -e "DEPLOYMENT_COLOR=$1" \
    ${APP_MEMORY_LIMIT:+--memory "$APP_MEMORY_LIMIT" -e "APP_MEMORY_LIMIT=$APP_MEMORY_LIMIT"} -p "$address:8000" $APP_FLAGS "$APP_IMAGE:$2" $APP_COMMAND >/dev/null
}

be_stop() { # NAME SECONDS
  run _podman stop --ignore -t "$2" "$(_container "$1")" >/dev/null
}

be_nginx() { # test FILE | reload | workers
  case $1 in
    test)
      if _nginx_runs; then
        run _podman exec "$PROJECT-nginx" nginx -t -q -c "/etc/nginx/$2"
      else
        _nginx run --rm "$NGINX_IMAGE" nginx -t -q -c "/etc/nginx/$2"
      fi
      ;;
    reload)
      if _nginx_runs; then
        run _podman exec "$PROJECT-nginx" nginx -s reload
      else
        _nginx run -d --replace --name "$PROJECT-nginx" --network-alias nginx -p "127.0.0.1:$HTTP_PORT:8080" \
          -p "127.0.0.1:$INTERNAL_PORT:8081" "$NGINX_IMAGE" nginx >/dev/null
      fi
      ;;
    workers) _podman top "$PROJECT-nginx" args 2>/dev/null | grep '^nginx: worker' || true ;;
  esac
}

_nginx() { # run FLAG… IMAGE COMMAND…
  shift
  # shellcheck disable=SC2086
  run _podman run --network "$NETWORK" "${HARDENING[@]}" $NGINX_FLAGS -v "$NGINX_DIR:/etc/nginx:ro" "$@"
}

_nginx_runs() { [ "$(_podman inspect -f '{{.State.Running}}' "$PROJECT-nginx" 2>/dev/null)" = true ]; }

be_migrate() { # VERSION [rehearsal]
  # shellcheck disable=SC2086
  run_long _podman run --rm ${PGOPTIONS:+-e "PGOPTIONS=$PGOPTIONS"} ${2:+-e DATABASE_URL_FILE= -e "DATABASE_URL=$REHEARSAL_URL"} --network "$NETWORK" --env-file "$APP_ENV_FILE" "${HARDENING[@]}" $APP_FLAGS \
    "$APP_IMAGE:$1" ${MIGRATE_COMMAND:-python3 -m app.database}
}

be_database() { # [PROGRAM…]
  [ -n "$DATABASE_ADMIN" ] && [ -n "$REHEARSAL_URL" ] || return 1
  [ $# -gt 0 ] || return 0
  # shellcheck disable=SC2086
  run env $DATABASE_ADMIN "$@"
}

be_logs() { # NAME
  _podman logs --tail 200 "$(_container "$1")" 2>&1 || true
}
