#!/usr/bin/env bash
# Deploys a version to the color that has no traffic and gives it the traffic in steps, each of which has to
# pass its gates. Whatever fails gives the traffic back to the old color.
#
# usage: deploy.sh [FLAGS] VERSION
#        deploy.sh [FLAGS] --resume
#
#   --backend NAME       process, compose (default) or podman
#   --config FILE        settings, NAME=VALUE a line (deploy/lib/settings.sh)
#   --dry-run            print what would be written and run, and change nothing
#   --resume             go on with a deployment that was interrupted or held
#   --to-step SHARE      stop with SHARE % of the traffic on the new color; --resume goes on
#   --hold               where a gate does not know (exit code 2 or 4), keep the traffic as it is
#   --skip-load          no load test in the gate before the traffic
#   --contract           the migration may take away what the version before uses: nobody does any more
#   --committed TIME     when the version was committed (RFC 3339), for the lead time
#   --json               print the record at the end
#
# Exit code: 0 done (or held as asked), 1 to 4 as `tocsin gate`, 64 usage, 75 another run has the lock.
set -Eeuo pipefail
DEPLOY_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib/all.sh
source "$DEPLOY_DIR/lib/all.sh"

VERSION="" RESUME=no TO_STEP="" HOLD=no SKIP_LOAD=no CONTRACT=no COMMITTED="" JSON=no KEEP=no CONFIG="" PHASE="" PHASE_BEGAN=0

while [ $# -gt 0 ]; do
  case $1 in
    --backend) BACKEND=${2:?--backend needs a name} && shift ;;
    --config) CONFIG=${2:?--config needs a file} && shift ;;
    --dry-run) DRY_RUN=yes ;;
    --resume) RESUME=yes ;;
    --to-step) TO_STEP=${2:?--to-step needs a share} && shift ;;
    --hold) HOLD=yes ;;
    --skip-load) SKIP_LOAD=yes ;;
    --contract) CONTRACT=yes ;;
    --committed) COMMITTED=$(date -u -d "${2:?--committed needs a time}" +%Y-%m-%dT%H:%M:%SZ) && shift ;;
    --json) JSON=yes ;;
    -h | --help) sed -n '2,21s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) fail "$EXIT_USAGE" "unknown flag $1; see --help" ;;
    *)
      [ -z "$VERSION" ] || fail "$EXIT_USAGE" "one version is enough; $1 is another"
      VERSION=$1
      ;;
  esac
  shift
done
[ "$RESUME" = yes ] || [ -n "$VERSION" ] || fail "$EXIT_USAGE" "which version? see --help"
[[ "$VERSION" =~ ^[A-Za-z0-9._-]*$ ]] || fail "$EXIT_USAGE" "\"$VERSION\" is no version: letters, digits, . _ -"

read_settings "$CONFIG"
[ "$DRY_RUN" = no ] || state_for_dry_run
state_open
lock || fail "$EXIT_BUSY" "process $(cat "$STATE_DIR/lock") is deploying"
load_backend

begin() {
  [ -z "$(state .deployment.id)" ] ||
    fail "$EXIT_USAGE" "deployment $(state .deployment.id) is open in phase $(state .deployment.phase): --resume it or run rollback.sh"
  local from to
  from=$(state .active)
  to=$(other_color "${from:-green}")
  change_state '.deployment = {id: $id, version: $version, from: $from, to: $to, previous: (.versions[$from] // ""),
      phase: "preflight", step: 0, started: $now, committed: $committed, contract: $contract, gates: {}, phases: []}' \
    --arg id "$(date -u +%Y%m%dT%H%M%SZ)-$$" --arg version "$VERSION" --arg from "$from" --arg to "$to" \
    --arg now "$(now)" --arg committed "$COMMITTED" --arg contract "$CONTRACT"
  say "deployment $(state .deployment.id): $VERSION on $to${from:+, $from is active}"
}

# What was running when the deployment was interrupted may have ended since.
resume() {
  local to
  to=$(state .deployment.to)
  say "deployment $(state .deployment.id) goes on in phase $(state .deployment.phase)"
  case $(state .deployment.phase) in
    preflight | announce | migrate | start) ;;
    *) be_running "$to" || restart_color "$to" || fail 1 "$to cannot be started; run rollback.sh" ;;
  esac
}

# However the script ends, the traffic is not left between two colors: unless it is killed, which --resume and
# rollback.sh are for, or holds as it was asked to.
on_exit() {
  local code=$?
  trap - EXIT INT TERM HUP
  set +e
  [ -z "$CHILD" ] || kill "$CHILD" 2>/dev/null
  case $code in
    0) ;;
    "$HELD") code=0 ;;
    2 | 4)
      if [ "$HOLD" = yes ]; then
        say "held in phase $PHASE: --resume goes on, rollback.sh goes back"
      else
        roll_back "phase $PHASE: the gate does not know (exit code $code)"
      fi
      ;;
    *) roll_back "phase $PHASE ended with exit code $code" ;;
  esac
  [ "$JSON" = no ] || tail -n 1 "$STATE_DIR/deployments.jsonl"
  [ "$DRY_RUN" = no ] || rm -rf "$STATE_DIR"
  exit "$code"
}

if [ "$RESUME" = yes ]; then
  [ -n "$(state .deployment.id)" ] || fail "$EXIT_USAGE" "there is nothing to resume"
  resume
else
  begin
fi
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
deploy_from "$(state .deployment.phase)" # a failure ends the script: on_exit
announce none "deployment $(state .deployment.id): $(state .deployment.version) has all of the traffic"
record succeeded "$(state .deployment.to)"
