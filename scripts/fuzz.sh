#!/bin/sh
# Runs every fuzz target for a while, or for a number of tries: fuzz.sh 10s, fuzz.sh 3000x
set -eu

for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" 2>/dev/null | grep '^Fuzz' || true); do
		echo "fuzz $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-10s}" "$package"
	done
done
