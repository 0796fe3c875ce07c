package service

import (
	"log/slog"
	"strings"
	"testing"
)

func TestEventID(t *testing.T) {
	for _, test := range []struct {
		level   slog.Level
		message string
		id      uint32
		routine bool
	}{
		{slog.LevelInfo, "watching", 10, false},
		{slog.LevelInfo, "delivered", 100, true},
		{slog.LevelError, "destination blocked: a person has to act", 302, false},
		{slog.LevelDebug, "something small", 1, true},
		{slog.LevelInfo, "something", 1, false},
		{slog.LevelWarn, "something", 2, false},
		{slog.LevelError, "something", 3, false},
	} {
		if id, routine := EventID(test.level, test.message); id != test.id || routine != test.routine {
			t.Errorf("%v %s: %d, %v", test.level, test.message, id, routine)
		}
	}
}

// Ids are for those that can be told apart by nothing else, and the system's texts end at 1000.
func TestEventIDsAreSane(t *testing.T) {
	messages := map[uint32][]string{}
	for message, e := range events {
		if e.id < 10 || e.id > 1000 {
			t.Errorf("%s: id %d", message, e.id)
		}
		if e.id >= 200 && e.routine {
			t.Errorf("%s is left out, and somebody should see it", message)
		}
		messages[e.id] = append(messages[e.id], message)
	}
	for id, all := range messages {
		for _, m := range all[1:] {
			a, b := all[0], m
			if !strings.HasPrefix(a, b) && !strings.HasPrefix(b, a) {
				t.Errorf("id %d is that of %q and %q", id, a, b)
			}
		}
	}
}

func TestEventText(t *testing.T) {
	if got, want := eventText([]byte("a\r\nb\x1b[31m \xff 100% %%%5 d\u00fc\U0001F600")), "a  b [31m \uFFFD 100% % % %5 d\u00fc\U0001F600"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	long := eventText([]byte(strings.Repeat("\U0001F600", 40_000)))
	if !strings.HasSuffix(long, " ...") || len(long) > 2*eventRoom+8 {
		t.Errorf("%d bytes", len(long))
	}
}
