#!/bin/sh
# Says how a version is called: version.sh VERSION [package]
# VERSION is what `git describe --tags --match 'v[0-9]*' --always --dirty` says: v1.2.3, v1.2.3-rc.1, v1.2.3-4-gabcdef0, abcdef0,
# any of them with -dirty. The program, files and URLs have 1.2.3, 1.2.3-rc.1, 1.2.3+4.gabcdef0 and 0.0.0+TIME.abcdef0; a package
# of dpkg or rpm has 1.2.3~rc.1, which both order before 1.2.3, and which no file may be called that is to lie at GitHub.
set -eu

[ $# = 1 ] || [ "${2:-}" = package ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 4; }
time=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}" +%Y%m%d%H%M%S)
mark=-
[ $# = 1 ] || mark='~'
printf '%s\n' "$1" | sed -E \
	-e 's/-dirty$/+dirty/' \
	-e 's/^v//' \
	-e 's/-([0-9]+)-(g[0-9a-f]+)/+\1.\2/' \
	-e 's/^([0-9]+\.[0-9]+\.[0-9]+)-/\1~/' \
	-e "/^[0-9]+\.[0-9]+\.[0-9]+/!s/^/0.0.0+$time./" \
	-e 's/[^0-9A-Za-z.+~]/./g' \
	-e "s/~/$mark/"
