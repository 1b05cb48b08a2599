#!/bin/sh
# Installs what the tests need and the machine lacks: redis-server from Debian, the clients from npm.
set -eu
cd "$(dirname "$0")"

if ! command -v redis-server >/dev/null; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -qq
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq redis-server >/dev/null
fi
command -v npm >/dev/null || { echo "the end-to-end tests need Node 20 or newer, with npm" >&2; exit 1; }
if [ ! -e e2e/node_modules/.installed ] || [ e2e/package-lock.json -nt e2e/node_modules/.installed ]; then
	(cd e2e && npm ci --silent --no-audit --no-fund && touch node_modules/.installed)
fi
