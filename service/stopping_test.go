package service

import (
	"testing"
	"time"
)

func TestStopLimit(t *testing.T) {
	for _, test := range []struct {
		why    farewell
		within time.Duration
		want   time.Duration
	}{
		{asked, 30 * time.Second, time.Minute},
		{asked, time.Hour, time.Hour + 30*time.Second},
		{preShutdown, 30 * time.Second, time.Minute},
		{preShutdown, time.Hour, 179 * time.Second},
		{shutdown, 30 * time.Second, 4 * time.Second},
		{shutdown, 0, 4 * time.Second},
	} {
		if got := stopLimit(test.why, test.within); got != test.want {
			t.Errorf("%d, %v: %v, want %v", test.why, test.within, got, test.want)
		}
	}
}
