package syncer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// childVariable holds the directory that a child process of the tests works in.
const childVariable = "DROPFERRY_TEST_CHILD"

// nobody is an account without rights.
const nobody = 65534

// child is the tests' binary run by another account.
func child(dir string) int {
	if err := unwritable(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("the promise holds")
	return 0
}

// deliverAlone takes a file to T3 without a network.
func deliverAlone(ctx context.Context, store *state.Store, folder *Folder, name, content string) (version string, err error) {
	source := filepath.Join(folder.Root, name)
	if err := os.WriteFile(source, []byte(content), 0o600); err != nil {
		return "", err
	}
	print, _, err := file.Lstat(source)
	if err != nil {
		return "", err
	}
	s := New(Options{Store: store, Folders: []*Folder{folder}, Now: settledClock})
	e := watcher.Entry{Path: file.Path(name), Kind: watcher.File, Ready: true, Fingerprint: print}
	if err := s.Planner(folder.Name).Ready(ctx, []watcher.Entry{e}); err != nil {
		return "", err
	}
	all, err := store.Intents(ctx, folder.Name, "", 0)
	if err != nil || len(all) != 1 {
		return "", errors.Join(err, fmt.Errorf("%d intents", len(all)))
	}
	sum := sha256.Sum256([]byte(content))
	proof := state.Proof{SHA256: sum[:], Evidence: remote.ReadBack, RemoteModTime: time.Now()}
	if _, err := store.Commit(ctx, all[0].ID, proof); err != nil {
		return "", err
	}
	_, err = store.Deliver(ctx, all[0].ID, state.Deliver{At: time.Now(), Fingerprint: print, Proof: proof})
	return all[0].Version, err
}
