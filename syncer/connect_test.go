package syncer

import (
	"testing"
	"time"
)

func TestLinkRetryIsTheMostPatient(t *testing.T) {
	to := func(destination string, longest time.Duration) *Folder {
		return &Folder{Routes: []Route{{Destination: destination}}, Retry: Retry{Initial: time.Second, Max: longest}}
	}
	folders := []*Folder{to("acme", time.Minute), to("acme", time.Hour), to("other", 24*time.Hour)}
	if got := linkRetry("acme", folders).Max; got != time.Hour {
		t.Errorf("longest wait %v, want 1h", got)
	}
	if got := linkRetry("nobody's", folders); got.Initial <= 0 || got.Max <= 0 {
		t.Errorf("a destination of no folder is retried by %+v", got)
	}
}
