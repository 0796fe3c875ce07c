package syncer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/remote"
)

// hashing is a session with a server that hashes: the digest is of the file on the server's disk.
type hashing struct {
	Session
	dir string
}

// toHashing adds a route to a server that hashes.
func (r *rig) toHashing(destination string, faults ...sftptest.Fault) *sftptest.TestServer {
	r.Helper()
	s := r.to(destination, sftptest.ServerOptions{}, faults...)
	d := &r.options.Destinations[len(r.options.Destinations)-1]
	dial := d.Dial
	d.Dial = func(ctx context.Context) (Session, error) {
		session, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return &hashing{Session: session, dir: s.Dir}, nil
	}
	return s
}

func (h *hashing) Hash(ctx context.Context, name string, _ int64) (sum []byte, command string, err error) {
	if _, err := h.Stat(ctx, name); err != nil { // as the connection lets it
		return nil, "", err
	}
	content, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil {
		return nil, "", problem("hash", name, remote.Missing, err)
	}
	digest := sha256.Sum256(content)
	return digest[:], "sha256sum", nil
}

func (h *hashing) Verify(ctx context.Context, name string, size int64, sum []byte, demand remote.Demand) (remote.Info, remote.Evidence, error) {
	info, evidence, err := h.Session.Verify(ctx, name, size, sum, remote.Size)
	if err != nil || demand == remote.Size {
		return info, evidence, err
	}
	got, command, err := h.Hash(ctx, name, size)
	if err == nil && !bytes.Equal(got, sum) {
		err = problem("verify", name, remote.Integrity, fmt.Errorf("SHA-256 %x, want %x", got, sum))
	}
	return info, remote.Evidence{Kind: remote.RemoteHash, Command: command}, err
}
