#!/bin/sh
# Runs every fuzz target for a while, or for a number of tries: fuzz.sh 10s, fuzz.sh 3000x
set -eu

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
cache=$(go env GOCACHE)/fuzz

# The files say which packages have targets: to ask each package would build the tests of all. Each is built once, and runs in its
# directory as `go test -fuzz` has it run.
for package in $(grep -rl --include='*_test.go' '^func Fuzz' . | sed 's|/[^/]*$||' | sort -u); do
	go test -vet=off -c -fuzz . -o "$built/fuzz.test" "$package"
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$package"/*_test.go); do
		echo "fuzz $package $target"
		(cd "$package" && "$built/fuzz.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "${1:-10s}" \
			-test.fuzzcachedir "$cache/$(go list)" -test.timeout 0)
	done
done
