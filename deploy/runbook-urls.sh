#!/usr/bin/env bash
# Makes the runbooks' addresses absolute, so that a message leads to them: in the rules, and in what their unit
# tests expect. Prometheus takes an annotation as it stands, so the address has to stand in the file.
#
# usage: runbook-urls.sh URL        e.g. https://git.example.org/ops/blob/main/deploy/runbooks
#        runbook-urls.sh deploy/runbooks        as they are in the repository
#
# Every runbook_url becomes URL/ALERT.md. May be run again, with another URL too; then reload Prometheus and tocsin.
set -euo pipefail
DEPLOY_DIR=$(cd "$(dirname "$0")" && pwd)
if [ $# -ne 1 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 64
fi
url=${1%/}
if [[ ! "$url" =~ ^(https?://[^[:space:]\"\'#\&\\]+|deploy/runbooks)$ ]]; then
  echo "runbook-urls.sh: \"$1\" is no address; it begins with http:// or https:// and has none of space, quotes, # & \\" >&2
  exit 64
fi
sed -Ei --follow-symlinks "s#^( *runbook_url: [\"']?)[^\"' ]*/([A-Za-z]+\.md)#\1$url/\2#" \
  "$DEPLOY_DIR"/rules/*.yml "$DEPLOY_DIR"/rules/tests/*.yml "$DEPLOY_DIR"/alert_rules.recommended.test.yml
echo "$(cat "$DEPLOY_DIR"/rules/*.yml | grep -c "^ *runbook_url: .*$url/") alerts lead to $url"
