#!/usr/bin/env bash
# Writes the files of this folder that are missing: random passwords, and the addresses that contain
# them. What only you can know (mail, Slack, a certificate that others trust) gets a placeholder, and
# is named at the end. Existing files are kept.
#
# usage: secrets/generate.sh [FOLDER]
set -euo pipefail
if [[ "${1:-}" == -* ]]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0"
  exit 0
fi
cd "${1:-$(dirname "$0")}"
umask 022
chmod 0700 .

placeholders=()

# put NAME: standard input becomes the file, unless it is there.
put() {
  if [ -e "$1" ]; then
    cat >/dev/null
    return
  fi
  cat >"$1.new"
  chmod 0444 "$1.new"
  mv "$1.new" "$1"
}

random() { openssl rand -hex 24; }

for name in postgres_password app_password monitor_password grafana_password redis_app_password redis_monitor_password; do
  random | tr -d '\n' | put "$name"
done

sha256() { tr -d '\n' <"$1" | sha256sum | cut -d' ' -f1; }

# The user `default` may only be asked whether it is there. The app may everything but administer;
# tocsin may read what it shows: depths of queues, and what Redis says of itself.
put redis.acl <<ACL
user default on nopass resetkeys resetchannels -@all +ping
user app on #$(sha256 redis_app_password) ~* &* +@all -@admin -@dangerous +info
user tocsin on #$(sha256 redis_monitor_password) resetkeys %R~* resetchannels &* -@all +ping +hello +auth +select +info +client|setname +dbsize +llen +hlen +zrange +lindex +smembers +scan +get +type +psubscribe +slowlog|get +slowlog|len +latency|latest
ACL

app="app:$(cat app_password)"
monitor="tocsin_monitor:$(cat monitor_password)"
redis_app="app:$(cat redis_app_password)"
redis_monitor="tocsin:$(cat redis_monitor_password)"
printf 'postgresql://%s@postgres:5432/ai_validation' "$app" | put database_url
printf 'postgresql://%s@postgres:5432/ai_validation_rehearsal' "$app" | put rehearsal_url
printf 'postgresql://%s@postgres:5432/ai_validation' "$monitor" | put monitor_url
printf 'redis://%s@redis-broker:6379/0' "$redis_app" | put broker_url
printf 'redis://%s@redis-cache:6379/0' "$redis_app" | put cache_url
printf 'redis://%s@redis-broker:6379/0' "$redis_monitor" | put monitor_broker_url
printf 'redis://%s@redis-cache:6379/0' "$redis_monitor" | put monitor_cache_url

if [ ! -e tls_key.pem ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj "/CN=ai-validation.yourdomain.com" \
    -addext "subjectAltName=DNS:ai-validation.yourdomain.com" \
    -keyout made_key -out made_certificate 2>/dev/null
  put tls_key.pem <made_key
  put tls_certificate.pem <made_certificate
  rm -f made_key made_certificate
  placeholders+=(tls_key.pem tls_certificate.pem)
fi
for name in smtp_password slack_url; do
  [ -e "$name" ] || placeholders+=("$name")
done
printf 'change-me' | put smtp_password
printf 'https://hooks.slack.com/services/change/me' | put slack_url

if [ ${#placeholders[@]} -gt 0 ]; then
  echo "placeholders that need your own: ${placeholders[*]}"
fi
