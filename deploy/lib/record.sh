# shellcheck shell=bash
# What happened, for people, for `tocsin report` and for the dashboards: one JSON object a line in
# STATE_DIR/deployments.jsonl, and the counters made of it in STATE_DIR/metrics/tocsin_deploy.prom, which the
# node collector reads (textfile_directory).

# Ends the deployment that is under way with RESULT: succeeded, rolled_back or failed.
record() { # RESULT ACTIVE [REASON]
  local line
  line=$(jq -c '.deployment | . + {result: $result, reason: $reason, finished: $now,
      seconds: (($now | fromdateiso8601) - (.started | fromdateiso8601))} | del(.step)' \
    --arg result "$1" --arg reason "${3:-}" --arg now "$(now)" "$STATE_DIR/state.json")
  printf '%s\n' "$line" >>"$STATE_DIR/deployments.jsonl"
  change_state '.fallback = (if $result == "succeeded" then .deployment.from else "" end)
      | .active = $active | .deployment = null' --arg active "$2" --arg result "$1"
  write_metrics
  say "deployment $(jq -r .id <<<"$line") of $(jq -r .version <<<"$line"): $1${3:+ ($3)}"
}

# Counters come from all records, so that they survive everything that the records survive.
write_metrics() {
  {
    jq -rs '
      def total($r): map(select(.result == $r)) | length;
      "# HELP tocsin_deployments_total Deployments, by how they ended.",
      "# TYPE tocsin_deployments_total counter",
      (("succeeded", "rolled_back", "failed") as $r | "tocsin_deployments_total{result=\"\($r)\"} \(total($r))"),
      "# HELP tocsin_deployment_seconds_total How long deployments took.",
      "# TYPE tocsin_deployment_seconds_total counter",
      "tocsin_deployment_seconds_total \(map(.seconds) | add // 0)",
      (last | select(. != null) |
        "# HELP tocsin_deployment_finished_timestamp_seconds When the last deployment ended.",
        "# TYPE tocsin_deployment_finished_timestamp_seconds gauge",
        "tocsin_deployment_finished_timestamp_seconds{result=\"\(.result)\"} \(.finished | fromdateiso8601)",
        "# HELP tocsin_gate_result Verdicts of the last deployment: 0 passed, 1 failed, 2 not known, 3 an error.",
        "# TYPE tocsin_gate_result gauge",
        (.gates // {} | to_entries[] | "tocsin_gate_result{gate=\"\(.key)\",phase=\"\(.key | split("-")[0])\"} \(
          {pass: 0, warn: 0, fail: 1, inconclusive: 2}[.value] // 3)")),
      (map(select(.result == "succeeded" and .committed != null and .committed != "")) | last | select(. != null) |
        "# HELP tocsin_deployment_lead_time_seconds From the commit to all of the traffic, of the last success.",
        "# TYPE tocsin_deployment_lead_time_seconds gauge",
        "tocsin_deployment_lead_time_seconds \((.finished | fromdateiso8601) - (.committed | fromdateiso8601))")
    ' "$STATE_DIR/deployments.jsonl"
    jq -r '
      "# HELP tocsin_deployment_share Percent of the traffic that a color has.",
      "# TYPE tocsin_deployment_share gauge",
      (.versions as $v | .shares | to_entries[] | "tocsin_deployment_share{color=\"\(.key)\",version=\"\($v[.key] // "")\"} \(.value)")
    ' "$STATE_DIR/state.json"
  } | put_file "$STATE_DIR/metrics/tocsin_deploy.prom"
}

# A mark on the dashboards and a message to those who are on call. Neither may hold a deployment up.
announce() { # SEVERITY TEXT
  say "$2"
  [ "$DRY_RUN" = no ] || return 0
  if [ -n "$GRAFANA_URL" ]; then
    jq -n --arg text "$2" '{text: $text, tags: ["deployment"]}' |
      _post "$GRAFANA_URL/api/annotations" "$GRAFANA_TOKEN_FILE" >/dev/null || say "Grafana did not take the annotation"
  fi
  if [ -n "$ALERTMANAGER_URL" ] && [ "$1" != none ]; then
    jq -n --arg severity "$1" --arg text "$2" --arg color "$(state .deployment.to)" --arg now "$(now)" \
      --arg runbook "$(runbook DeploymentFailed)" \
      '[{labels: {alertname: "DeploymentFailed", severity: $severity, job: "deploy", color: $color},
         annotations: {summary: "A deployment was rolled back", description: $text,
           runbook_url: $runbook}, startsAt: $now}]' |
      _post "$ALERTMANAGER_URL/api/v2/alerts" >/dev/null || say "Alertmanager did not take the alert"
  fi
}

# Where an alert's runbook is: beside those that the rules name (runbook-urls.sh).
runbook() { # ALERT
  sed -nE "/runbook_url: /{s#.*runbook_url: [\"']?(.*)/[A-Za-z]+\.md.*#\1/$1.md#p;q}" "$DEPLOY_DIR/rules/alerts.yml"
}

# No page for the new color while it has no traffic but the load of its gate. Prints the silence's id.
silence() { # COLOR SECONDS
  [ -n "$ALERTMANAGER_URL" ] && [ "$DRY_RUN" = no ] || return 0
  jq -n --arg color "$1" --arg seconds "$2" \
    '{matchers: [{name: "color", value: $color, isRegex: false}], createdBy: "deploy.sh",
      comment: "under load before it has traffic", startsAt: (now | todateiso8601),
      endsAt: (now + ($seconds | tonumber) | todateiso8601)}' |
    _post "$ALERTMANAGER_URL/api/v2/silences" | jq -r '.silenceID // ""' || true
}

end_silence() { # ID
  [ -n "$1" ] && [ "$DRY_RUN" = no ] || return 0
  curl -fsS --noproxy '*' --max-time 5 -o /dev/null -X DELETE "$ALERTMANAGER_URL/api/v2/silence/$1" || true
}

# The token goes by a file descriptor: arguments are public.
_post() { # URL [TOKEN_FILE]
  local flags=(-fsS --noproxy '*' --max-time 5 -H 'Content-Type: application/json' --data @-)
  if [ -n "${2:-}" ]; then
    curl "${flags[@]}" -K <(printf 'header = "Authorization: Bearer %s"\n' "$(cat "$2")") "$1"
  else
    curl "${flags[@]}" "$1"
  fi
}
