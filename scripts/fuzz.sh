#!/bin/sh
# Runs every fuzz target for a while, or for a number of tries: fuzz.sh 10s, fuzz.sh 3000x
set -eu

# The files say which packages have targets: to ask each package would build the tests of all.
for package in $(grep -rl --include='*_test.go' '^func Fuzz' . | sed 's|/[^/]*$||' | sort -u); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$package"/*_test.go); do
		echo "fuzz $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-10s}" "$package"
	done
done
