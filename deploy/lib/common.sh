# shellcheck shell=bash
# What all parts share: words, dry runs, files that are replaced whole, children that can be interrupted.

# Every `return` has its code: in a trap, where rolling back happens, a bare one means the code from before
# the trap.

# Exit codes. 1 to 4 are those of `tocsin gate`; 3 also says that nginx refuses the shares.
# shellcheck disable=SC2034
readonly EXIT_USAGE=64 EXIT_BUSY=75 EXIT_SHIFT=3 HELD=10

DRY_RUN=${DRY_RUN:-no}

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }

fail() { # CODE TEXT…
  local code=$1
  shift
  say "error: $*"
  exit "$code"
}

# Does it, or in a dry run says so.
run() {
  if [ "$DRY_RUN" = yes ]; then
    printf '+ %s\n' "${*@Q}"
  else
    "$@"
  fi
}

# Standard input becomes FILE: whole or not at all, and readable by the users of containers.
put_file() { # FILE
  local file=$1 new
  if [ "$DRY_RUN" = yes ] && [[ "$file" != "$STATE_DIR"/* ]]; then
    printf '+ write %s\n' "$file"
    sed 's/^/  | /'
    return $?
  fi
  new=$(mktemp "$file.XXXXXX")
  cat >"$new"
  chmod 0644 "$new"
  sync -d "$new"
  mv -f "$new" "$file"
}

CHILD=""

# Runs a command that may take long, so that a signal ends it and this script at once. It does not keep
# the lock (descriptor 9): were this script killed, nothing would be left that holds it.
run_long() {
  if [ "$DRY_RUN" = yes ]; then
    run "$@"
    return $?
  fi
  local code=0
  "$@" 9>&- &
  CHILD=$!
  wait "$CHILD" || code=$?
  CHILD=""
  return "$code"
}

pause() { # SECONDS
  run_long sleep "$1"
}

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# Milliseconds of a clock that is not set; for durations.
ticks() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }

# Whether one GET has a status below 400.
answers() { # URL [SECONDS]
  curl -fsS --noproxy '*' -o /dev/null --max-time "${2:-2}" "$1" 2>/dev/null
}
