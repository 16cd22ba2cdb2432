#!/usr/bin/env bash
# Pins the images of docker-compose.prod.yml by digest: a tag can be moved, a digest is the image that was tried.
#
# usage: pin-images.sh [--check] [FILE]      FILE: .env beside this script; TAG becomes TAG@sha256:…
#        pin-images.sh --print IMAGE:TAG     e.g. debian:12.10-slim, for --build-arg BUILD_BASE=…
#
#   --check    change nothing; exit code 1 when an image is not pinned or its tag was moved since
#
# Asks the registries (curl and jq, no Docker), and takes no digest but that of the manifest that came. Exit code: 0 done,
# 1 not pinned, 2 a registry or an image cannot be had, 64 usage.
set -euo pipefail
DEPLOY_DIR=$(cd "$(dirname "$0")" && pwd)
REGISTRY_SCHEME=${REGISTRY_SCHEME:-https} # http: for a registry on this machine
ACCEPT="application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"

fail() { # CODE TEXT…
  local code=$1
  shift
  echo "pin-images.sh: $*" >&2
  exit "$code"
}

# Docker's short names: nginx is docker.io/library/nginx.
registry_and_path() { # NAME
  local first=${1%%/*}
  if [[ "$1" == */* && ("$first" == *.* || "$first" == *:* || "$first" == localhost) ]]; then
    echo "$first ${1#*/}"
  elif [[ "$1" == */* ]]; then
    echo "${DOCKER_HUB:-registry-1.docker.io} $1"
  else
    echo "${DOCKER_HUB:-registry-1.docker.io} library/$1"
  fi
}

_get() { # URL HEADERS_FILE BODY_FILE [TOKEN]; prints the status
  local flags=(-sS --max-time 30 -H "Accept: $ACCEPT" -D "$2" -o "$3" -w '%{http_code}')
  if [ -n "${4:-}" ]; then
    curl "${flags[@]}" -K <(printf 'header = "Authorization: Bearer %s"\n' "$4") "$1"
  else
    curl "${flags[@]}" "$1"
  fi
}

# Anonymous, as the registry's answer says where (WWW-Authenticate).
token() { # HEADERS_FILE
  local challenge realm query
  challenge=$(tr -d '\r' <"$1" | sed -nE 's/^www-authenticate: *bearer //Ip' | head -n 1)
  realm=$(sed -nE 's/.*realm="([^"]*)".*/\1/p' <<<"$challenge")
  [ -n "$realm" ] || return 1
  query=$(sed -nE 's/.*service="([^"]*)".*/service=\1/p' <<<"$challenge")
  curl -fsS --max-time 30 -G "$realm" ${query:+--data-urlencode "$query"} \
    --data-urlencode "$(sed -nE 's/.*scope="([^"]*)".*/scope=\1/p' <<<"$challenge")" | jq -re '.token // .access_token'
}

digest_of() { # NAME TAG
  local registry path url status told made work
  read -r registry path <<<"$(registry_and_path "$1")"
  url=$REGISTRY_SCHEME://$registry/v2/$path/manifests/$2
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" RETURN
  status=$(_get "$url" "$work/headers" "$work/body") || return 2
  if [ "$status" = 401 ]; then
    status=$(_get "$url" "$work/headers" "$work/body" "$(token "$work/headers")") || return 2
  fi
  [ "$status" = 200 ] || {
    echo "$url answers $status" >&2
    return 2
  }
  made=sha256:$(sha256sum "$work/body" | cut -d' ' -f1)
  told=$(tr -d '\r' <"$work/headers" | sed -nE 's/^docker-content-digest: *//Ip' | tail -n 1)
  [ -z "$told" ] || [ "$told" = "$made" ] || {
    echo "$url says $told and sends $made" >&2
    return 2
  }
  echo "$made"
}

# "NAME VARIABLE" of every image that comes from a registry.
images() {
  sed -nE 's/^ *image: ([a-z0-9./-]+):\$\{([A-Z_]+).*/\1 \2/p' "$DEPLOY_DIR/docker-compose.prod.yml" |
    grep -vE '^(ai-validation|tocsin) ' | sort -u
}

CHECK=no FILE=$DEPLOY_DIR/.env
while [ $# -gt 0 ]; do
  case $1 in
    --check) CHECK=yes ;;
    --print)
      [[ "${2:-}" =~ ^[^@]+:[^:/@]+$ ]] || fail 64 "--print needs IMAGE:TAG"
      digest=$(digest_of "${2%:*}" "${2##*:}") || fail 2 "$2 cannot be looked up"
      echo "$2@$digest"
      exit 0
      ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) fail 64 "unknown flag $1; see --help" ;;
    *) FILE=$1 ;;
  esac
  shift
done
[ -r "$FILE" ] || fail 64 "$FILE cannot be read; cp .env.example .env"

stale=0 new=$(mktemp "$FILE.XXXXXX")
trap 'rm -f "$new"' EXIT
cp -p "$FILE" "$new"
while read -r name variable; do
  version=$(sed -nE "s/^$variable=([^ #]+).*/\1/p" "$FILE")
  if [ -z "$version" ]; then
    echo "$name: $variable is not in $FILE; its default is not pinned"
    stale=1
    continue
  fi
  tag=${version%@*}
  digest=$(digest_of "$name" "$tag") || fail 2 "$name:$tag cannot be looked up; $FILE is as it was"
  [ "$version" = "$tag@$digest" ] || {
    stale=1
    echo "$name:$version -> $tag@$digest"
  }
  sed -Ei "s|^$variable=[^ #]+|$variable=$tag@$digest|" "$new"
done < <(images)
if [ "$CHECK" = yes ]; then
  exit "$stale"
fi
mv -f "$new" "$FILE"
