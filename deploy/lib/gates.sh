# shellcheck shell=bash
# Asks `tocsin gate`. Its exit code is the verdict: 0 goes on, 1 rolls back, 2 and 4 are not known.

declare -A VERDICTS=([0]=pass [1]=fail [2]=inconclusive [3]=error [4]=unreachable)

# A gate of the new color. Returns its code; the reports stay with the deployment.
gate() { # PHASE NAME [FLAG…]
  local phase=$1 name=$2 code=0 try=1 report
  shift 2
  report=$STATE_DIR/deployments/$(state .deployment.id)/$name
  mkdir -p "${report%/*}"
  local command=("$TOCSIN" gate "$GATES" "--phase=$phase" "--color=$(state .deployment.to)"
    "--server=$SERVER_URL" "--json=$report.json" "--md=$report.md" "--junit=$report.xml")
  local file
  for file in $RULES; do command+=("--rules=$file"); done
  [ "$phase" = step ] || command+=("--url=http://$(be_addr "$(state .deployment.to)" host)")
  [ "$phase" != pre ] || command+=("--journeys=$JOURNEYS")
  [ "$SKIP_LOAD" = no ] || command+=(--skip-load)
  while :; do
    code=0
    rm -f "$report.json"
    run_long "${command[@]}" "$@" || code=$?
    note_verdict "$name" "$code" "$report.json"
    case $code in
      2 | 4) # what is not known now may be known soon
        [ "$try" -lt "$GATE_TRIES" ] || break
        say "gate $name: ${VERDICTS[$code]}, asked again in $STEP_SECONDS s"
        pause "$STEP_SECONDS"
        try=$((try + 1))
        ;;
      *) break ;;
    esac
  done
  say "gate $name: ${VERDICTS[$code]:-exit code $code}"
  return "$code"
}

# With the check that decided, when it was no pass.
note_verdict() { # NAME CODE REPORT
  local verdict=${VERDICTS[$2]:-error} deciding=null
  if [ -s "$3" ]; then
    [ "$(jq -r .verdict "$3")" != WARN ] || verdict=warn
    deciding=$(jq -c '.verdict as $verdict | [.checks[] | select(.verdict != "PASS")]
      | (map(select(.verdict == $verdict)) + .) | first // null | if . == null then null else {check: .id, why} end' "$3")
  fi
  change_state '.deployment.gates[$name] = $verdict
      | if $deciding == null then del(.deployment.deciding[$name]) else .deployment.deciding[$name] = $deciding end' \
    --arg name "$1" --arg verdict "$verdict" --argjson deciding "$deciding"
}

# With what the new color is compared: the old one while it has traffic, else what it was like before.
baseline_flags() { # SHARE_OF_THE_NEW_COLOR
  local from file
  from=$(state .deployment.from)
  file=$STATE_DIR/deployments/$(state .deployment.id)/baseline.json
  if [ -n "$from" ] && [ "$1" -lt 100 ]; then
    echo "--baseline=$from"
  elif [ -s "$file" ]; then
    echo "--baseline-file=$file"
  fi
}

# What the old color is like before it loses traffic: all figures, or after some tries those that there are.
record_baseline() {
  local from file try
  from=$(state .deployment.from)
  [ -n "$from" ] || return 0
  file=$STATE_DIR/deployments/$(state .deployment.id)/baseline.json
  mkdir -p "${file%/*}"
  for ((try = 1; try <= GATE_TRIES; try++)); do
    run_long "$TOCSIN" gate "$GATES" "--color=$from" "--server=$SERVER_URL" "--record-baseline=$file" || true
    [ "$DRY_RUN" = no ] || return 0
    jq -e 'has("response_time_p95") and has("memory_usage") and has("error_rate")' "$file" >/dev/null 2>&1 && return 0
    pause 1
  done
  say "$from has not all figures: without them, a gate with all of the traffic on the new color may not know"
}
