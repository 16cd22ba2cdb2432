# shellcheck shell=bash
# A deployment, phase by phase. Each may be done again after an interruption at any point: what it does is
# the same whether some of it was done before or not.

PHASES=(preflight announce migrate start pre baseline shift soak worker retire)

# Does the phases from FIRST on. Under `set -e` and outside of any condition, so that whatever fails ends
# the script with its code; HELD when the traffic is held as it was asked for.
deploy_from() { # FIRST
  local phase begun=no
  for phase in "${PHASES[@]}"; do
    [ "$phase" != "$1" ] || begun=yes
    [ "$begun" = yes ] || continue
    enter "$phase"
    hook "before-$phase"
    "phase_$phase"
    hook "after-$phase"
    leave "$phase"
  done
}

enter() { # PHASE
  PHASE=$1
  PHASE_BEGAN=$(ticks)
  change_state '.deployment.phase = $phase' --arg phase "$1"
  say "phase $1"
}

leave() { # PHASE
  change_state '.deployment.phases += [{phase: $phase, seconds: ($ms | tonumber / 1000)}]' \
    --arg phase "$1" --arg ms $(($(ticks) - PHASE_BEGAN))
}

# What this place adds: HOOKS_DIR/before-PHASE, after-PHASE, and step-SHARE after each shift. One that fails
# ends the deployment.
hook() { # NAME
  [ -x "$HOOKS_DIR/$1" ] || return 0
  DEPLOYMENT=$(state .deployment.id) VERSION=$(state .deployment.version) COLOR=$(state .deployment.to) \
    run_long "$HOOKS_DIR/$1"
}

# All that can be known before anything is changed: first what needs no server, then the servers, which the first
# deployment starts.
phase_preflight() {
  local problems=0
  preflight_files || problems=1
  preflight_space || problems=1
  be_check || problems=1
  [ "$problems" = 0 ] || return 1
  be_start base ""
  preflight_servers
  rehearse "$(state .deployment.version)"
}

preflight_files() {
  local tool problems=0 rules
  read -ra rules <<<"$RULES"
  for tool in jq curl flock "$TOCSIN"; do
    command -v "$tool" >/dev/null || { say "$tool is missing"; problems=1; }
  done
  [ -r "$NGINX_DIR/nginx.conf" ] || { say "NGINX_DIR: $NGINX_DIR has no nginx.conf"; problems=1; }
  "$TOCSIN" gate "$GATES" --explain >/dev/null || problems=1
  [ -z "$RULES" ] || "$TOCSIN" check rules "${rules[@]}" >/dev/null || problems=1
  return "$problems"
}

preflight_space() {
  [ "$(df --output=avail -k "$STATE_DIR" | tail -1)" -lt "${DISK_KIB:-1048576}" ] || return 0
  say "less than ${DISK_KIB:-1048576} KiB of disk are free"
  return 1
}

preflight_servers() {
  local problems=0 from
  [ "$DRY_RUN" = no ] || return 0
  from=$(state .deployment.from)
  if [ -n "$ALERTMANAGER_URL" ] && ! answers "$ALERTMANAGER_URL/-/healthy"; then
    say "Alertmanager at $ALERTMANAGER_URL does not answer: nobody would hear of what goes wrong"
    problems=1
  fi
  if [ -n "$from" ] && ! answers "http://$(be_addr "$from" host)$HEALTH_PATH"; then
    say "the active color, $from, is not healthy; repair or roll back before a deployment"
    problems=1
  fi
  return "$problems"
}

phase_announce() {
  announce none "deployment $(state .deployment.id): version $(state .deployment.version) on $(state .deployment.to)"
  change_state '.deployment.silence = $id' --arg id "$(silence "$(state .deployment.to)" 3600)"
}

# Only what the old version can live with, which Postgres sees to (postgres/expand-only.sql): the contracting
# part comes with a later version, with --contract.
phase_migrate() {
  local options=${PGOPTIONS:-}
  [ "$(state .deployment.contract)" != yes ] || options+=" -c expand_only.contract=on"
  PGOPTIONS=$options be_migrate "$(state .deployment.version)"
}

# It replaces whatever is left of an earlier run on that color, never the active one.
phase_start() {
  local to version
  to=$(state .deployment.to) version=$(state .deployment.version)
  [ "$to" != "$(state .deployment.from)" ] || return 1
  change_state '.versions[$c] = $v' --arg c "$to" --arg v "$version"
  be_start "$to" "$version"
  write_targets
}

phase_pre() { gate pre pre; }

phase_baseline() {
  record_baseline
  end_silence "$(state .deployment.silence)"
}

phase_shift() {
  local share from to last
  from=$(state .deployment.from) to=$(state .deployment.to)
  last=$(state .deployment.step)
  for share in $SHIFT_STEPS; do
    [ "$share" -ge "${last:-0}" ] || continue
    [ -n "$from" ] || share=100
    change_state '.deployment.step = ($s | tonumber)' --arg s "$share"
    if [ -z "$from" ]; then
      shift_to "$to" 100
      return 0 # the first deployment has nothing to compare with, and no other way
    fi
    shift_to "$from" $((100 - share)) "$to" "$share"
    await_drained
    hook "step-$share"
    pause "$STEP_SECONDS"
    # shellcheck disable=SC2046
    gate step "step-$share" $(baseline_flags "$share")
    if [ "$share" = "$TO_STEP" ] && [ "$share" -lt 100 ]; then
      say "the traffic is held at $share %; go on with --resume"
      return "$HELD"
    fi
  done
}

# All of the traffic, with the old color ready to take it back.
phase_soak() {
  [ -n "$(state .deployment.from)" ] || return 0
  pause "$SOAK_SECONDS"
  # shellcheck disable=SC2046
  gate post post $(baseline_flags 100)
}

phase_worker() {
  change_state '.versions.worker = $v' --arg v "$(state .deployment.version)"
  be_start worker "$(state .deployment.version)"
}

# The old color is taken out of the configuration first, and ended when nothing can reach it.
phase_retire() {
  local from to
  from=$(state .deployment.from) to=$(state .deployment.to)
  [ -n "$from" ] || return 0
  shift_to "$to" 100
  await_drained
  be_stop "$from" "$STOP_GRACE"
  write_targets
}

# Gives the traffic back to the old color. First the traffic, then everything else.
roll_back() { # REASON
  local from to code=0 began=${BEGAN:-$(ticks)}
  from=$(state .deployment.from) to=$(state .deployment.to)
  if [ -n "$from" ]; then
    case $(state .deployment.phase) in
      preflight | announce | migrate | start | pre | baseline) ;; # nginx knows nothing of the new color yet
      *)
        be_running "$from" || restart_color "$from" || return 1
        shift_to "$from" 100 || code=$?
        [ "$code" != 0 ] || say "the traffic is back after $(($(ticks) - began)) ms"
        ;;
    esac
  fi
  if [ "$code" != 0 ]; then
    say "the traffic could not be given back; the deployment stays open: look at nginx, then run rollback.sh"
    return "$code"
  fi
  mkdir -p "$STATE_DIR/deployments/$(state .deployment.id)"
  be_logs "$to" >"$STATE_DIR/deployments/$(state .deployment.id)/$to.log" || true
  if [ "$KEEP" = no ]; then
    await_drained
    [ -z "$to" ] || be_stop "$to" "$STOP_GRACE"
  fi
  write_targets
  end_silence "$(state .deployment.silence)"
  announce warning "deployment $(state .deployment.id) of $(state .deployment.version) was rolled back: $1"
  record rolled_back "$from" "$1"
}

# A color that was stopped after its deployment, with the version that it had.
restart_color() { # COLOR
  local version deadline=$((SECONDS + 60))
  version=$(state ".versions.$1")
  say "$1 does not run; starting version $version again"
  be_start "$1" "$version" || return 1
  until answers "http://$(be_addr "$1" host)$HEALTH_PATH"; do
    [ "$SECONDS" -lt "$deadline" ] || {
      say "$1 does not become healthy"
      return 1
    }
    sleep 0.1
  done
}
