package syncer

import (
	"testing"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// The versions of one file that the tables speak of.
var (
	v1      = file.Fingerprint{Size: 10, ModTime: 1000, ChangeTime: 1000, Dev: 1, Inode: 7}
	touched = file.Fingerprint{Size: 10, ModTime: 2000, ChangeTime: 2000, Dev: 1, Inode: 7}
	chmoded = file.Fingerprint{Size: 10, ModTime: 1000, ChangeTime: 2000, Dev: 1, Inode: 7}
	redrop  = file.Fingerprint{Size: 10, ModTime: 1000, ChangeTime: 3000, Dev: 1, Inode: 8}
	longer  = file.Fingerprint{Size: 11, ModTime: 2000, ChangeTime: 2000, Dev: 1, Inode: 7}
	booted  = file.Fingerprint{Size: 10, ModTime: 1000, ChangeTime: 1000, Dev: 9, Inode: 7} // v1, after a restart of the machine
)

func TestDecide(t *testing.T) {
	ready := func(f file.Fingerprint) Local { return Local{Present: true, Ready: true, Fingerprint: f} }
	missing := Local{}
	has := func(f file.Fingerprint) *state.Known { return &state.Known{Fingerprint: f, SHA256: []byte{1}} }
	racy := &state.Known{Fingerprint: v1, SHA256: []byte{1}, Racy: true}
	adopted := &state.Known{Fingerprint: v1} // by size and time: its content is not known
	open := func(p state.Phase, f file.Fingerprint) *state.Intent {
		return &state.Intent{ID: "open", Phase: p, Fingerprint: f}
	}
	const either = 2
	for _, row := range []struct {
		name  string
		local Local
		known *state.Known
		open  *state.Intent
		ends  int // the folder's stories end: 0 no, 1 yes
		want  Decision
	}{
		{"a new file is sent", ready(v1), nil, nil, either, Decision{Op: Upload, Reason: ReasonNew}},
		{"a file that settles is waited for", Local{Present: true, Fingerprint: v1}, nil, nil, either, Decision{Op: Wait, Reason: ReasonSettling}},
		{"one that settles is not sent again meanwhile", Local{Present: true, Fingerprint: longer}, has(v1), open(state.Planned, v1), either, Decision{Op: Wait, Reason: ReasonSettling}},

		{"a known file is not sent", ready(v1), has(v1), nil, either, Decision{Reason: ReasonSameContent}},
		{"one known by size and time is not sent", ready(v1), adopted, nil, either, Decision{Reason: ReasonSameContent}},
		{"nor is it where its file system has another number", ready(booted), has(v1), nil, either, Decision{Reason: ReasonSameContent}},
		{"a racy fingerprint is compared by content", ready(v1), racy, nil, either, Decision{Op: Upload, Reason: ReasonChanged, Compare: true}},
		{"another size is sent", ready(longer), has(v1), nil, either, Decision{Op: Upload, Reason: ReasonChanged}},
		{"a touch is compared by content", ready(touched), has(v1), nil, 0, Decision{Op: Upload, Reason: ReasonChanged, Compare: true}},
		{"a change is sent where there is nothing to compare with", ready(touched), adopted, nil, either, Decision{Op: Upload, Reason: ReasonChanged}},
		{"the same content under a new inode is compared where files stay", ready(redrop), has(v1), nil, 0, Decision{Op: Upload, Reason: ReasonChanged, Compare: true}},
		{"what is dropped again is sent where stories end", ready(redrop), has(v1), nil, 1, Decision{Op: Upload, Reason: ReasonChanged}},
		{"what is written again is sent where stories end", ready(touched), has(v1), nil, 1, Decision{Op: Upload, Reason: ReasonChanged}},
		{"a chmod is no new drop", ready(chmoded), has(v1), nil, either, Decision{Op: Upload, Reason: ReasonChanged, Compare: true}},

		{"a planned file is in the queue", ready(v1), nil, open(state.Planned, v1), either, Decision{Reason: ReasonQueued}},
		{"so is it where its file system has another number", ready(booted), nil, open(state.Planned, v1), either, Decision{Reason: ReasonQueued}},
		{"a held file stays held", ready(v1), nil, open(state.Held, v1), either, Decision{Reason: ReasonHeld}},
		{"a parked file stays parked", ready(v1), nil, open(state.Parked, v1), either, Decision{Reason: ReasonParked}},
		{"a cancelled file is not planned again", ready(v1), nil, open(state.Cancelled, v1), either, Decision{Reason: ReasonCancelled}},
		{"nor where it is known to be elsewhere", ready(v1), has(longer), open(state.Cancelled, v1), either, Decision{Reason: ReasonCancelled}},
		{"a chmod does not bring it back", ready(chmoded), nil, open(state.Cancelled, v1), either, Decision{Reason: ReasonCancelled}},
		{"a change does", ready(longer), nil, open(state.Cancelled, v1), either, Decision{Op: Upload, Reason: ReasonNew, Supersedes: "open"}},
		{"so does the same dropped again", ready(redrop), nil, open(state.Cancelled, v1), either, Decision{Op: Upload, Reason: ReasonNew, Supersedes: "open"}},
		{"what was cancelled and has changed back is done with", ready(v1), has(v1), open(state.Cancelled, longer), either, Decision{Op: Drop, Reason: ReasonSameContent, Supersedes: "open"}},
		{"a cancelled file that is gone is done with", missing, nil, open(state.Cancelled, v1), either, Decision{Op: Drop, Reason: ReasonRemoved, Supersedes: "open"}},
		{"a delivered file waits to be taken away", ready(v1), has(v1), open(state.Delivered, v1), 1, Decision{Reason: ReasonQueued}},
		{"a newer version supersedes a planned one", ready(longer), has(v1), open(state.Planned, touched), either, Decision{Op: Upload, Reason: ReasonChanged, Supersedes: "open"}},
		{"a newer version supersedes a held one", ready(longer), nil, open(state.Held, v1), either, Decision{Op: Upload, Reason: ReasonNew, Supersedes: "open"}},
		{"a newer version supersedes a parked one", ready(longer), nil, open(state.Parked, v1), either, Decision{Op: Upload, Reason: ReasonNew, Supersedes: "open"}},
		{"one that is being published is not disturbed", ready(longer), has(v1), open(state.Committing, touched), either, Decision{Reason: ReasonQueued}},
		{"a newer version is sent beside a delivered one", ready(longer), has(v1), open(state.Delivered, v1), 1, Decision{Op: Upload, Reason: ReasonChanged}},
		{"what has changed back is dropped", ready(v1), has(v1), open(state.Planned, touched), either, Decision{Op: Drop, Reason: ReasonSameContent, Supersedes: "open"}},
		{"a held file that has changed back is dropped", ready(v1), has(v1), open(state.Held, longer), either, Decision{Op: Drop, Reason: ReasonSameContent, Supersedes: "open"}},

		{"nothing known and nothing there", missing, nil, nil, either, Decision{}},
		{"a missing file that was delivered stays known", missing, has(v1), nil, 0, Decision{}},
		{"its story has ended where files are taken away", missing, has(v1), nil, 1, Decision{Op: Forget, Reason: ReasonRemoved}},
		{"a planned file that is gone is dropped", missing, has(v1), open(state.Planned, longer), either, Decision{Op: Drop, Reason: ReasonRemoved, Supersedes: "open"}},
		{"a held file that is gone is dropped", missing, nil, open(state.Held, v1), either, Decision{Op: Drop, Reason: ReasonRemoved, Supersedes: "open"}},
		{"a parked file that is gone is dropped", missing, nil, open(state.Parked, v1), either, Decision{Op: Drop, Reason: ReasonRemoved, Supersedes: "open"}},
		{"one that is being published is brought to its end", missing, nil, open(state.Committing, v1), either, Decision{Reason: ReasonQueued}},
		{"one that was delivered is brought to its end", missing, has(v1), open(state.Delivered, v1), either, Decision{Reason: ReasonQueued}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for ends := range 2 {
				if row.ends != either && row.ends != ends {
					continue
				}
				if got := Decide(row.local, row.known, row.open, ends == 1); got != row.want {
					t.Errorf("ends story %v: %+v, want %+v", ends == 1, got, row.want)
				}
			}
		})
	}
}

func TestMayBeKnown(t *testing.T) {
	sum := []byte{1}
	for _, row := range []struct {
		name        string
		known       state.Known
		now         file.Fingerprint
		keeps, ends bool
	}{
		{"touched", state.Known{Fingerprint: v1, SHA256: sum}, touched, true, false},
		{"dropped again", state.Known{Fingerprint: v1, SHA256: sum}, redrop, true, false},
		{"another owner or mode", state.Known{Fingerprint: v1, SHA256: sum}, chmoded, true, true},
		{"nothing has changed", state.Known{Fingerprint: v1, SHA256: sum}, v1, true, true},
		{"another size", state.Known{Fingerprint: v1, SHA256: sum}, longer, false, false},
		{"the content is not known", state.Known{Fingerprint: v1}, touched, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := mayBeKnown(&row.known, row.now, false); got != row.keeps {
				t.Errorf("where files stay: %v", got)
			}
			if got := mayBeKnown(&row.known, row.now, true); got != row.ends {
				t.Errorf("where stories end: %v", got)
			}
		})
	}
}
