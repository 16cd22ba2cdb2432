#!/usr/bin/env bash
# Puts a program and everything that it needs to run into a folder that becomes an image's root.
#
# usage: collect-runtime.sh PROGRAM FOLDER [LIBRARIES]
#
# What is in the folder LIBRARIES is taken in the place of the system's libraries of the same name (build-libraries.sh).
set -euo pipefail
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
program=$1 root=$2 own=${3:-}
folder=$(dirname "$(ldd "$program" | grep -o '/[^ ]*/libc\.so\.6')") # where the loader looks

install -D -m 0755 -s "$program" "$root/usr/bin/tocsin"
# ldd prints "name => path (address)", and the loader as "path (address)".
LD_LIBRARY_PATH=$own ldd "$program" | grep -o '/[^ ]*' | sort -u | while read -r library; do
  place=$library
  [ -z "$own" ] || [ "${library%/*}" != "${own%/}" ] || place=$folder/${library##*/}
  install -D -m 0755 -s "$(readlink -f "$library")" "$root$place"
done
# Names are resolved by libraries that glibc opens when it needs them.
for library in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
  path=$(ldconfig -p | awk -v name="$library" '$1 == name && !found++ { print $NF }')
  [ -z "$path" ] || install -D -m 0755 "$(readlink -f "$path")" "$root$path"
done
install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
install -d "$root/etc" "$root/data" "$root/tmp"
printf 'root:x:0:0::/:/nonexistent\ntocsin:x:65532:65532::/data:/nonexistent\n' >"$root/etc/passwd"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
chown 65532:65532 "$root/data"
chmod 1777 "$root/tmp"
# One date for everything, so that equal sources make equal images.
find "$root" -print0 | xargs -0 touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}"
