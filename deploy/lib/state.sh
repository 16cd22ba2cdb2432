# shellcheck shell=bash
# What is known between two runs: STATE_DIR/state.json.
#
#   {"active": "blue", "generation": 7, "versions": {"blue": "1.0", "green": "1.1"},
#    "shares": {"blue": 75, "green": 25}, "fallback": "",
#    "deployment": {"id": …, "version": …, "from": "blue", "to": "green", "phase": "shift", "step": 25, …}}
#
# `active` has the traffic when nothing is under way; "" before the first deployment. `fallback` is the color
# of the version before, to which rollback.sh goes back; "" after it has. `deployment` is
# null unless one is under way or was interrupted. It is written before what it announces is done.

readonly NEW_STATE='{"active":"","generation":0,"versions":{},"shares":{},"fallback":"","deployment":null}'

state_open() {
  mkdir -p "$STATE_DIR/deployments" "$STATE_DIR/run" "$STATE_DIR/log" "$STATE_DIR/metrics"
  [ -e "$STATE_DIR/state.json" ] || put_file "$STATE_DIR/state.json" <<<"$NEW_STATE"
  state_load ||
    fail "$EXIT_USAGE" "$STATE_DIR/state.json is no JSON; say in it which color is active"
}

# Every text and number of the state by its path, as of the last load or change: jq takes its time to start.
declare -A STATE=()

# The value at a path; "" when it is not there.
state() { # .PATH
  printf '%s\n' "${STATE[$1]-}"
}

state_load() { _state_jq .; }

# Changes the state by a jq program; more arguments go to jq. Not in a subshell, which would forget it.
change_state() { # PROGRAM [JQ ARGUMENT…]
  _state_jq "$@" || return 1
  put_file "$STATE_DIR/state.json" <<<"$STATE_JSON"
}

STATE_JSON=""

# Runs a program on the state; what it says becomes STATE_JSON and STATE.
_state_jq() { # PROGRAM [JQ ARGUMENT…]
  local program=$1 out path value
  shift
  out=$(jq -r "$@" "($program)"' | tojson, (paths(scalars) as $p |
      "." + ($p | map(tostring) | join(".")) + "\t" + (getpath($p) | tostring))' "$STATE_DIR/state.json") || return 1
  STATE=()
  STATE_JSON=${out%%$'\n'*}
  while IFS=$'\t' read -r path value; do
    [[ "$path" != .* ]] || STATE[$path]=$value
  done <<<"$out"
}

# One run at a time. The lock is the open descriptor 9, so that it ends with whoever holds it; the file's
# text is the holder's process id, for rollback.sh.
lock() {
  exec 9>>"$STATE_DIR/lock"
  flock -n 9 || return 1
  echo $$ >"$STATE_DIR/lock"
  state_load # another run may have changed it
}

other_color() { # COLOR
  if [ "$1" = blue ]; then echo green; else echo blue; fi
}

# A dry run changes a copy.
state_for_dry_run() {
  local copy
  copy=$(mktemp -d)
  [ ! -e "$STATE_DIR/state.json" ] || cp "$STATE_DIR/state.json" "$copy"
  STATE_DIR=$copy
}
