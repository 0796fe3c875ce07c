package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

func TestStories(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
	receipt := &state.Delivery{
		ReadyAt: at(1), StartedAt: at(2), DeliveredAt: at(10), RemotePath: "/in/a.xml", Attempts: 3, Proof: state.Proof{Evidence: "remote-hash"},
	}
	for _, c := range []struct {
		name string
		got  []control.Moment
		want string
	}{
		{"delivered at once", deliveredStory(receipt, nil, ""), "1 ready, 1 planned, 2 began, 10 published /in/a.xml, by attempt 3; evidence: remote-hash"},
		{
			"of an early version, and archived", deliveredStory(&state.Delivery{StartedAt: at(2), DeliveredAt: at(3), RemotePath: "x", Attempts: 1, Proof: state.Proof{Evidence: "size"}}, nil, "/sent/a.xml"),
			"2 began, 3 published x, by attempt 1; evidence: size, - archived /sent/a.xml",
		},
		{
			"after failures, of which the middle is not known", deliveredStory(receipt, []state.FailedAttempt{
				{N: 1, At: at(3), Err: "cut"}, {N: 9, At: at(5), Err: "refused"}, {N: 10, At: at(6), Err: "taken", Aside: state.Held},
			}, ""),
			"1 ready, 1 planned, 2 began, 3 failed cut, - omitted 7 more failures, 5 failed refused, 6 held taken, 10 published /in/a.xml, by attempt 3; evidence: remote-hash",
		},
		{
			"whose source cannot be taken away", deliveredStory(receipt, []state.FailedAttempt{{N: 1, At: at(3), Err: "cut"}, {N: 2, At: at(11), Err: "read-only"}}, ""),
			"1 ready, 1 planned, 2 began, 3 failed cut, 10 published /in/a.xml, by attempt 3; evidence: remote-hash, 11 failed read-only",
		},
		{
			"not tried yet", intentStory(&state.Intent{ReadyAt: at(1), Fingerprint: file.Fingerprint{ModTime: noon.UnixNano()}}, nil), "0 changed, 1 ready, 1 planned",
		},
		{
			"given up", intentStory(&state.Intent{ReadyAt: at(1), StartedAt: at(2), Phase: state.Parked}, []state.FailedAttempt{{N: 1, At: at(4), Err: "too often", Aside: state.Parked}}),
			"1 ready, 1 planned, 2 began, 4 parked too often",
		},
		{
			"seen while it grew", intentStory(&state.Intent{
				SeenAt: at(-2), SettledAt: at(1), ReadyAt: at(2), Fingerprint: file.Fingerprint{ModTime: noon.UnixNano()},
			}, nil), "-2 seen, 0 changed, 1 settled, 2 ready, 2 planned",
		},
		{
			"with an older time", intentStory(&state.Intent{
				SeenAt: at(1), SettledAt: at(2), ReadyAt: at(3), Fingerprint: file.Fingerprint{ModTime: noon.UnixNano()},
			}, nil), "0 changed, 1 seen, 2 settled, 3 ready, 3 planned",
		},
		{
			"delivered, of which everything is known",
			deliveredStory(&state.Delivery{SeenAt: at(0), SettledAt: at(1), ReadyAt: at(2), StartedAt: at(3), DeliveredAt: at(4), RemotePath: "x", Attempts: 1, Proof: state.Proof{Evidence: "size"}}, nil, ""),
			"0 seen, 1 settled, 2 ready, 2 planned, 3 began, 4 published x, by attempt 1; evidence: size",
		},
		{"cancelled", intentStory(&state.Intent{ReadyAt: at(1), Phase: state.Cancelled}, nil), "1 ready, 1 planned, - cancelled"},
	} {
		var told []string
		for _, m := range c.got {
			when := "-"
			if !m.At.IsZero() {
				when = fmt.Sprint(m.At.Sub(noon).Minutes())
			}
			told = append(told, strings.TrimSpace(when+" "+m.What+" "+m.Detail))
		}
		if got := strings.Join(told, ", "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
