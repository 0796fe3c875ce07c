package syncer

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Steps of the protocol, taken by hand, to leave what a crash leaves.

// plan drops a file and plans it on all routes (T1).
func (r *rig) plan(name, content string) []state.Intent {
	r.Helper()
	return r.planAs(name, r.drop(name, content))
}

func (r *rig) planAs(name string, print file.Fingerprint) []state.Intent {
	r.Helper()
	e := watcher.Entry{Path: file.Path(name), Kind: watcher.File, Ready: true, Fingerprint: print}
	r.must(New(r.options).Planner(r.folder.Name).Ready(r.Context(), []watcher.Entry{e}))
	var planned []state.Intent
	for _, i := range r.record(name).Intents {
		if i.Fingerprint == print {
			planned = append(planned, i)
		}
	}
	return planned
}

// proofOf is what T2 records of a file that was uploaded as it is.
func proofOf(content, evidence string, at time.Time) state.Proof {
	sum := sha256.Sum256([]byte(content))
	return state.Proof{SHA256: sum[:], Evidence: evidence, RemoteModTime: at.Truncate(time.Second), HostKey: "SHA256:server"}
}

// commit records T2.
func (r *rig) commit(i *state.Intent, proof state.Proof) {
	r.Helper()
	r.must(r.store.Begin(r.Context(), i.ID, time.Now()))
	if ok, err := r.store.Commit(r.Context(), i.ID, proof); !ok || err != nil {
		r.Fatal(ok, err)
	}
	i.Phase, i.Proof = state.Committing, proof
}

// uploaded puts the temp at a server and records T2.
func (r *rig) uploaded(s *sftptest.TestServer, i *state.Intent) {
	r.Helper()
	content, err := os.ReadFile(i.Path.In(r.root))
	r.must(err)
	temp := filepath.Join(s.Dir, filepath.FromSlash(i.Temp))
	r.must(os.WriteFile(temp, content, 0o600))
	at := i.Fingerprint.Modified()
	r.must(os.Chtimes(temp, at, at))
	proof := proofOf(string(content), remote.ReadBack, at)
	proof.HostKey = s.Fingerprint()
	r.commit(i, proof)
}

// delivered takes a file to T3 on some of its routes, all where none is named.
func (r *rig) delivered(name, content, evidence string, destinations ...string) []state.Intent {
	r.Helper()
	intents := r.plan(name, content)
	for n := range intents {
		i := &intents[n]
		if len(destinations) > 0 && destinations[0] != i.Destination {
			continue
		}
		proof := proofOf(content, evidence, i.Fingerprint.Modified())
		r.commit(i, proof)
		r.deliverIntent(i, proof)
	}
	return intents
}

// deliverIntent records T3.
func (r *rig) deliverIntent(i *state.Intent, proof state.Proof) {
	r.Helper()
	ok, err := r.store.Deliver(r.Context(), i.ID, state.Deliver{
		At: settledClock(), Keep: !r.folder.endsStory(), Racy: i.Fingerprint.Racy(i.ReadyAt), Fingerprint: i.Fingerprint, Proof: proof,
	})
	if !ok || err != nil {
		r.Fatal(ok, err)
	}
	i.Phase = state.Delivered
}
