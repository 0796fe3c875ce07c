package config

import (
	"slices"
	"strings"
)

// didYouMean returns a hint that names the known word nearest to word, or nothing where none is near enough to be
// what was meant.
func didYouMean(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return "did you mean " + show(best) + "?"
	}
	return ""
}

// Nearest returns the known name nearest to one that somebody has written, or "" where none is near enough to be what was
// meant.
func Nearest(name string, known []string) string { return nearest(name, known) }

// nearest allows one slip in every three letters. Failing that, it takes a known word that holds the given one or is
// held by it: "hostname" for host, "passphrase" for key_passphrase.
func nearest(word string, known []string) string {
	word = strings.ToLower(word)
	best, least := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := editDistance(word, strings.ToLower(k)); d < least && d < len(k) {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	for _, holds := range []func(s, part string) bool{strings.HasPrefix, strings.Contains} {
		for _, k := range known {
			if min(len(word), len(k)) >= shortestPart && (holds(word, k) || holds(k, word)) {
				return k
			}
		}
	}
	return ""
}

// shortestPart keeps words from being found in others by chance.
const shortestPart = 4

// longestWord bounds the work of comparing; nobody means a known word with more letters.
const longestWord = 64

// editDistance counts the letters to insert, remove, replace or swap with their neighbour to make b of a.
func editDistance(a, b string) int {
	if len(a) > longestWord || len(b) > longestWord {
		return max(len(a), len(b))
	}
	var before, last []int // the rows above the current one
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// isDigits tells whether s is a whole number without a sign.
func isDigits(s string) bool {
	return s != "" && !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < '0' || c > '9' })
}
