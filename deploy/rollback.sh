#!/usr/bin/env bash
# Gives the traffic back to the other color: one file, one reload, no gate. A deployment under way is ended.
#
# usage: rollback.sh [FLAGS]
#
#   --reason TEXT        kept with the record and told to those on call
#   --emergency          do not ask first whether the other color is healthy
#   --stop               end the color that loses the traffic; else it is kept, to be looked at
#   --backend NAME, --config FILE, --dry-run, --json    as deploy.sh
#
# Exit code: 0 done, 1 nothing to go back to, 3 nginx refuses, 64 usage, 75 a deployment does not end.
set -Eeuo pipefail
DEPLOY_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib/all.sh
source "$DEPLOY_DIR/lib/all.sh"
BEGAN=$(ticks)

REASON="asked for" EMERGENCY=no KEEP=yes JSON=no CONFIG=""
while [ $# -gt 0 ]; do
  case $1 in
    --backend) BACKEND=${2:?--backend needs a name} && shift ;;
    --config) CONFIG=${2:?--config needs a file} && shift ;;
    --reason) REASON=${2:?--reason needs a text} && shift ;;
    --emergency) EMERGENCY=yes ;;
    --stop) KEEP=no ;;
    --dry-run) DRY_RUN=yes ;;
    --json) JSON=yes ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) fail "$EXIT_USAGE" "unknown argument $1; see --help" ;;
  esac
  shift
done

read_settings "$CONFIG"
[ "$DRY_RUN" = no ] || state_for_dry_run
state_open
load_backend

# A deploy.sh that runs rolls back by itself when it is told to end.
take_over() {
  local deadline=$((SECONDS + STOP_GRACE + 15))
  lock && return 0
  say "process $(cat "$STATE_DIR/lock") is deploying; it is told to roll back"
  kill -TERM "$(cat "$STATE_DIR/lock")" 2>/dev/null || true
  until lock; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$EXIT_BUSY" "process $(cat "$STATE_DIR/lock") does not end"
    sleep 0.05
  done
  say "it has ended: $(state .active) is active"
  [ -n "$(state .deployment.id)" ] || exit 0
}

# The last deployment is complete: it becomes one that goes back to the version before.
undo_last() {
  local active previous
  active=$(state .active)
  previous=$(state .fallback)
  [ -n "$active" ] || fail 1 "nothing was deployed yet"
  [ -n "$previous" ] || fail 1 "there is nothing to go back to: the last deployment was rolled back, or is the only one"
  change_state '.deployment = {id: $id, version: .versions[$to], from: $from, to: $to, previous: .versions[$from],
      phase: "rollback", started: $now, gates: {}, phases: []}' \
    --arg id "$(date -u +%Y%m%dT%H%M%SZ)-$$" --arg from "$previous" --arg to "$active" --arg now "$(now)"
}

take_over
[ -n "$(state .deployment.id)" ] || undo_last
from=$(state .deployment.from)
if [ -n "$from" ] && [ "$EMERGENCY" = no ] && [ "$DRY_RUN" = no ] && be_running "$from" &&
  ! answers "http://$(be_addr "$from" host)$HEALTH_PATH"; then
  fail 1 "$from is not healthy; --emergency gives it the traffic all the same"
fi
roll_back "$REASON"
[ "$JSON" = no ] || tail -n 1 "$STATE_DIR/deployments.jsonl"
[ "$DRY_RUN" = no ] || rm -rf "$STATE_DIR"
