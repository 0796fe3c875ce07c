package service

import (
	"strings"
	"testing"
)

func TestPhaseOf(t *testing.T) {
	for _, test := range []struct {
		state, exit, own uint32
		want             Phase
		word             string
	}{
		{state: 1, want: Stopped},
		{state: 1, exit: 1077, want: Stopped},
		{state: 2, want: Starting},
		{state: 3, want: Stopping},
		{state: 4, want: Running},
		{state: 1, exit: 1066, own: 5, want: Failed, word: "exit code 5"},
		{state: 1, exit: 1067, want: Failed, word: "unexpectedly"},
		{state: 1, exit: 1069, want: Failed, word: "log on"},
		{state: 1, exit: 5, want: Failed, word: "Windows error 5"},
	} {
		phase, word := phaseOf(test.state, test.exit, test.own)
		if phase != test.want || !strings.Contains(word, test.word) || (test.word == "") != (word == "") {
			t.Errorf("%+v: %s, %q", test, phase, word)
		}
	}
}
