# shellcheck shell=bash disable=SC2016  # what begins with $ in single quotes is for nginx and jq
# Gives each color its share of the traffic: NGINX_DIR/conf.d/shift.conf is written whole, tested,
# renamed into place, and every worker shown to have it.

# Prints the include. The colors that are listed run; one with share 0 is only the other's backup.
shift_conf() { # GENERATION COLOR SHARE [COLOR SHARE]
  local generation=$1 first=$2 share=$3 second=${4:-} second_share=${5:-0}
  echo "# Written by deploy.sh, generation $generation: $first $share %${second:+, $second $second_share %}."
  echo "map \"\" \$generation { default $generation; }"
  printf 'map $wanted_color $listed_color {\n    default "";\n'
  for color in $first $second; do echo "    $color $color;"; done
  echo "}"
  for color in $first $second; do
    printf 'upstream %s_alone { server %s; }\n' "$color" "$(be_addr "$color")"
  done
  "shift_$SHIFT_MODE" "$@"
}

# Each client has its side, and stays there while a share grows (split_clients hashes the key).
shift_split() { # GENERATION COLOR SHARE [COLOR SHARE]
  local first=$2 share=$3 second=${4:-} second_share=${5:-0}
  echo "upstream $first {"
  upstream_servers "$first" "$second"
  if [ -n "$second" ]; then
    echo "upstream $second {"
    upstream_servers "$second" "$first"
  fi
  if [ "$share" = 0 ] || [ "$second_share" = 0 ]; then
    [ "$share" != 0 ] || first=$second
    echo "map \"\" \$split { default $first; }"
  else
    printf 'split_clients "%s" $split {\n    %s%% %s;\n    * %s;\n}\n' \
      "$SHIFT_KEY" "$second_share" "$second" "$first"
  fi
  printf 'map $forced_color $color {\n    default $split;\n'
  for color in $2 $second; do echo "    $color $color;"; done
  echo "}"
}

upstream_servers() { # COLOR [BACKUP]
  printf '    zone %s 64k;\n    server %s max_fails=1 fail_timeout=5s;\n' "$1" "$(be_addr "$1")"
  [ -z "${2:-}" ] || printf '    server %s backup;\n' "$(be_addr "$2")"
  printf '    keepalive 32;\n    keepalive_timeout 60s;\n}\n'
}

# Each request goes where the weights say. A color with share 0 is left out: as `down` or with weight 0
# it would still count among the servers, and one refused connection would close the only live one.
shift_weights() { # GENERATION COLOR SHARE [COLOR SHARE]
  local first=$2 share=$3 second=${4:-} second_share=${5:-0}
  printf 'upstream both {\n    zone both 64k;\n'
  [ "$share" = 0 ] || printf '    server %s weight=%s;\n' "$(be_addr "$first")" "$share"
  [ "$second_share" = 0 ] || printf '    server %s weight=%s;\n' "$(be_addr "$second")" "$second_share"
  printf '    keepalive 32;\n    keepalive_timeout 60s;\n}\n'
  printf 'map $forced_color $color {\n    default both;\n'
  for color in $first $second; do echo "    $color ${color}_alone;"; done
  echo "}"
}

# Gives the colors their shares. Returns 3, with the traffic as it was, when nginx does not take it.
shift_to() { # COLOR SHARE [COLOR SHARE]
  local generation target=$NGINX_DIR/conf.d/shift.conf
  generation=$(($(state .generation) + 1))
  change_state '.generation = ($g | tonumber) | .shares = {($a): ($b | tonumber)}
      + (if $c == "" then {} else {($c): ($d | tonumber)} end)' \
    --arg g "$generation" --arg a "$1" --arg b "$2" --arg c "${3:-}" --arg d "${4:-0}" || return "$EXIT_SHIFT"
  shift_conf "$generation" "$@" | put_file "$NGINX_DIR/conf.d/shift.candidate" || return "$EXIT_SHIFT"
  sed 's#conf.d/shift.conf#conf.d/shift.candidate#' "$NGINX_DIR/nginx.conf" |
    put_file "$NGINX_DIR/nginx.candidate.conf" || return "$EXIT_SHIFT"
  if ! be_nginx test nginx.candidate.conf; then
    say "nginx refuses conf.d/shift.candidate; the traffic stays as it is"
    return "$EXIT_SHIFT"
  fi
  [ ! -e "$target" ] || run cp -p "$target" "$target.previous"
  run mv -f "$NGINX_DIR/conf.d/shift.candidate" "$target" || return "$EXIT_SHIFT"
  if be_nginx reload && await_generation "$generation"; then
    say "traffic: $1 $2 %${3:+, $3 $4 %} (generation $generation)"
    return $?
  fi
  say "nginx does not show generation $generation; the previous shares are put back"
  if [ -e "$target.previous" ]; then
    run mv -f "$target.previous" "$target"
    be_nginx reload || say "nginx cannot be reloaded"
  fi
  return "$EXIT_SHIFT"
}

# Until every worker must have been asked, each answer from a connection of its own.
await_generation() { # GENERATION
  [ "$DRY_RUN" = no ] || return 0
  local workers wanted seen=0 deadline=$((SECONDS + 15)) answer
  workers=$(be_nginx workers | wc -l)
  wanted=$((workers > 1 ? 2 * workers : 2))
  while [ "$seen" -lt "$wanted" ]; do
    answer=$(curl -fsS --noproxy '*' --max-time 2 "$INTERNAL_URL/-/generation" 2>/dev/null || true)
    if [ "$answer" = "$1" ]; then
      seen=$((seen + 1))
      continue
    fi
    seen=0
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.02
  done
}

# Until no worker of an old configuration has requests under way; nginx itself ends them after
# worker_shutdown_timeout.
await_drained() {
  [ "$DRY_RUN" = no ] || return 0
  local deadline=$((SECONDS + STOP_GRACE))
  while be_nginx workers | grep -q 'shutting down'; do
    [ "$SECONDS" -lt "$deadline" ] || {
      say "an old worker of nginx still has requests after $STOP_GRACE s"
      return 0
    }
    sleep 0.05
  done
}

# The colors that run, for Prometheus and tocsin: a color that is stopped is no target that is down.
write_targets() {
  local color list=""
  for color in blue green; do
    ! be_running "$color" || list+="$color $(be_addr "$color")"$'\n'
  done
  printf '%s' "$list" | jq -Rn '[inputs | split(" ") | {targets: [.[1]], labels: {color: .[0]}}]' |
    put_file "$TARGETS_FILE"
}
