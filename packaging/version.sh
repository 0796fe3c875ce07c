#!/bin/sh
# Says how a version is called in a package: version.sh VERSION
# VERSION is what `git describe --tags --always --dirty` says: v1.2.3, v1.2.3-rc.1, v1.2.3-4-gabcdef0, abcdef0, any of them with
# -dirty. What comes before 1.2.3 is 1.2.3~rc.1, and what comes after it 1.2.3+4.gabcdef0, which dpkg and rpm order alike.
set -eu

[ $# = 1 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 4; }
day=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y%m%d)
printf '%s\n' "$1" | sed -E \
	-e 's/-dirty$/+dirty/' \
	-e 's/^v//' \
	-e 's/-([0-9]+)-(g[0-9a-f]+)/+\1.\2/' \
	-e 's/^([0-9]+\.[0-9]+\.[0-9]+)-/\1~/' \
	-e "/^[0-9]+\.[0-9]+\.[0-9]+/!s/^/0.0.0+$day./" \
	-e 's/[^0-9A-Za-z.+~]/./g'
