#!/bin/sh
# Installs what the tests need and the machine lacks, from Debian and npm.
set -eu
cd "$(dirname "$0")"

missing=
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing="$missing haproxy"
command -v chromium >/dev/null || missing="$missing chromium"
command -v gcc >/dev/null || missing="$missing gcc libc6-dev" # the race detector links C
if [ -n "$missing" ]; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $missing >/dev/null
fi
command -v npm >/dev/null || { echo "the pages and the end-to-end tests need Node 20.19 or newer, with npm" >&2; exit 1; }
for folder in web e2e; do
	if [ ! -e $folder/node_modules/.installed ] || [ $folder/package-lock.json -nt $folder/node_modules/.installed ]; then
		(cd $folder && npm ci --silent --no-audit --no-fund && touch node_modules/.installed)
	fi
done
