package e2e

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestReadyOutsideTheSchedule: what waits because its destination is closed is not late, however long it waits; what could be sent
// and is not, is.
func TestReadyOutsideTheSchedule(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	closed := hoursAway()
	r.outboxTo(r.acme()+closed, "to = [\"acme\"]\nstalled_after = \"2s\"")
	a, s := r.seen()
	r.drop("a.txt", "a")
	a.wait("files wait until the destination opens")
	oldest := regexp.MustCompile(`dropferry_oldest_undelivered_age_seconds\{destination="acme",folder="outbox"\} (\S+)`)
	eventually(t, "the file has waited for longer than its folder allows", time.Minute, func() bool {
		_, text := s.ask("GET", "/metrics", "")
		m := oldest.FindStringSubmatch(text)
		if m == nil {
			return false
		}
		age, err := strconv.ParseFloat(m[1], 64)
		return err == nil && age > 2.5
	})
	if code, text := s.ask("GET", "/readyz", ""); code != 200 {
		t.Errorf("while it is closed: %d: %s", code, text)
	}
	r.expect(0, "pause", "destination:acme")
	r.edit(strings.TrimSpace(closed), `schedule = { windows = ["00:00-24:00"] }`)
	r.reload("destination acme")
	eventually(t, "a file that could be sent is late", time.Minute, func() bool {
		code, text := s.ask("GET", "/readyz", "")
		return code == 503 && strings.Contains(text, "a file has waited for acme since ")
	})
	r.expect(0, "resume", "destination:acme")
	r.arrives("a.txt", "a")
	eventually(t, "all is well", time.Minute, func() bool { code, _ := s.ask("GET", "/readyz", ""); return code == 200 })
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
