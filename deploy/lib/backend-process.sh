# shellcheck shell=bash
# Colors as processes of this machine. A release is a folder RELEASES_DIR/VERSION with the programs `run`
# (serves on $ADDRESS until SIGTERM), `migrate`, and, where there is something to work in the background, `work`.

RELEASES_DIR=${RELEASES_DIR:?a folder with one folder for each version}
BLUE_ADDRESS=${BLUE_ADDRESS:-127.0.0.1:8001}
GREEN_ADDRESS=${GREEN_ADDRESS:-127.0.0.1:8002}
NGINX=${NGINX:-/usr/sbin/nginx}
NGINX_PID=${NGINX_PID:-$NGINX_DIR/nginx.pid} # as site/main.conf says

be_check() { :; }

be_addr() { # COLOR [host]
  if [ "$1" = blue ]; then echo "$BLUE_ADDRESS"; else echo "$GREEN_ADDRESS"; fi
}

# When a process began; with its id it is never another one.
_began() { # PID
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

be_running() { # NAME
  local pid began
  [ "$DRY_RUN" = no ] || return 0
  read -r pid began 2>/dev/null <"$STATE_DIR/run/$1.pid" || return 1
  [ -n "$began" ] && [ "$(_began "$pid")" = "$began" ]
}

be_start() { # NAME VERSION
  local name=$1 program=$RELEASES_DIR/$2/run
  [ "$name" != base ] || return 0
  if [ "$name" = worker ]; then
    program=$RELEASES_DIR/$2/work
    [ -x "$program" ] || return 0
  fi
  [ -x "$program" ] || {
    say "$program is no program"
    return 1
  }
  be_stop "$name" "$STOP_GRACE"
  if [ "$DRY_RUN" = yes ]; then
    run setsid env "ADDRESS=$(be_addr "$name")" "DEPLOYMENT_COLOR=$name" "VERSION=$2" "$program"
    return $?
  fi
  (
    cd "$STATE_DIR/run" || exit 1
    exec 9>&-
    ADDRESS=$(be_addr "$name") DEPLOYMENT_COLOR=$name VERSION=$2 exec setsid "$program"
  ) >>"$STATE_DIR/log/$name.log" 2>&1 </dev/null &
  local pid=$!
  disown "$pid"
  echo "$pid $(_began "$pid")" >"$STATE_DIR/run/$name.pid"
}

be_stop() { # NAME SECONDS
  local pid began deadline=$((SECONDS + $2))
  if [ "$DRY_RUN" = yes ]; then
    run stop "$1" "$2"
    return $?
  fi
  be_running "$1" || return 0
  read -r pid began <"$STATE_DIR/run/$1.pid"
  kill -TERM "$pid" 2>/dev/null || true
  while be_running "$1"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
    fi
    sleep 0.05
  done
  rm -f "$STATE_DIR/run/$1.pid"
}

be_nginx() { # test FILE | reload | workers
  local nginx=("$NGINX" -p "$NGINX_DIR" -e stderr)
  case $1 in
    test) run "${nginx[@]}" -t -q -c "$2" ;;
    reload)
      if _nginx_runs; then
        run kill -HUP "$(cat "$NGINX_PID")"
      else
        run "${nginx[@]}" -c nginx.conf 9>&-
      fi
      ;;
    workers)
      _nginx_runs || return 0
      ps -o args= --ppid "$(cat "$NGINX_PID")" || true
      ;;
  esac
}

_nginx_runs() { [ -s "$NGINX_PID" ] && kill -0 "$(cat "$NGINX_PID")" 2>/dev/null; }

be_migrate() { # VERSION [rehearsal]
  run_long env "PGOPTIONS=${PGOPTIONS:-}" ${2:+"DATABASE_URL=$REHEARSAL_URL"} "$RELEASES_DIR/$1/migrate"
}

be_database() { # [PROGRAM…]
  [ -n "$DATABASE_ADMIN" ] && [ -n "$REHEARSAL_URL" ] || return 1
  [ $# -gt 0 ] || return 0
  # shellcheck disable=SC2086
  run env $DATABASE_ADMIN "$@"
}

be_logs() { # NAME
  tail -n 200 "$STATE_DIR/log/$1.log" 2>/dev/null || true
}
