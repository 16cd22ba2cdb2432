#!/usr/bin/env bash
# Builds libcurl and libpq from Debian's sources with what tocsin uses of them and nothing else. Debian's own, made for
# everybody, bring LDAP, Kerberos, RTMP, SSH and with them a second TLS library: a quarter of the image.
#
# usage: build-libraries.sh FOLDER       libcurl.so.4 and libpq.so.5 are there afterwards
#
# What the image cannot do for that: log in to Postgres by Kerberos (GSSAPI), look hosts up in LDAP (ldap:// in
# pg_service.conf), host names that are not ASCII.
set -euo pipefail
if [ $# -ne 1 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 64
fi
mkdir -p "$1"
target=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Sources have lists of their own: what the machine has stays as it is.
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
for archive in "debian $suite" "debian $suite-updates" "debian-security $suite-security"; do
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${DEBIAN_MIRROR:-http://deb.debian.org}/$archive main"
done >sources.list
mkdir -p lists/partial
apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists"
  -o APT::Sandbox::User=root)
"${apt[@]}" update

source_of() { # PACKAGE FOLDER, with Debian's corrections; the release's where a mirror has not the latest
  "${apt[@]}" source --download-only "$1" || { rm -f "$1"_* && "${apt[@]}" source --download-only "$1/$suite"; }
  dpkg-source --no-check -x "$1"_*.dsc "$2" >/dev/null
}

source_of curl curl
(
  cd curl
  ./configure --quiet --disable-static --enable-versioned-symbols --with-openssl --with-zlib --with-nghttp2 \
    --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --with-ca-path=/etc/ssl/certs \
    --without-brotli --without-zstd --without-libssh2 --without-librtmp --without-libidn2 --without-libpsl \
    --without-gssapi --without-libgsasl --disable-ldap --disable-dict --disable-file --disable-ftp --disable-gopher \
    --disable-imap --disable-mqtt --disable-pop3 --disable-rtsp --disable-smb --disable-telnet --disable-tftp \
    --disable-manual --disable-dependency-tracking
  # The version of the symbols that Debian's programs ask for; curl's own number is another.
  sed -i 's/CURL_OPENSSL_[0-9]*/CURL_OPENSSL_4/' lib/libcurl.vers
  make -s -j"$(nproc)" -C lib
  cp -L lib/.libs/libcurl.so.4 "$target/"
)

source_of postgresql-15 postgres
(
  cd postgres
  ./configure --quiet --with-openssl --without-readline --without-zlib --without-icu --without-gssapi --without-ldap
  make -s -j"$(nproc)" -C src/backend generated-headers
  make -s -j"$(nproc)" -C src/interfaces/libpq all
  cp -L src/interfaces/libpq/libpq.so.5 "$target/"
)
strip --strip-unneeded "$target"/*.so.*
