package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// Put is one upload that a person or a script asks for. It has a store of its own in the user's state directory, so that
// it needs no agent and never meets one.
type Put struct {
	File   string    // name of a regular file; "-" is Stream
	Stream io.Reader // of unknown size
	To     string    // DEST:PATH

	Overwrite  bool          // replace what stands at the final name
	AllowEmpty bool          // a stream without a byte is meant
	RetryLogin bool          // log in although the last login was refused
	Size       int64         // bytes that are expected; below 0: not known
	SHA256     []byte        // that is expected; nil: not known
	Verify     string        // auto, content or size
	Patience   time.Duration // without progress, from the first failure on

	Observe syncer.Observer // hears of every event
}

// StreamName is the name that stands for standard input.
const StreamName = "-"

// ErrPutRuns says that another process puts something at the same name.
var ErrPutRuns = errors.New("another put is at work on it")

// Spacing and checkpoints of a put. Somebody waits for it, so that it comes back sooner than a folder's files do.
var putRetry = syncer.Retry{Initial: time.Second, Max: 15 * time.Second}

const (
	putCheckpointBytes = 64 << 20
	putCheckpointEvery = 10 * time.Second
)

// PutPlace is where a put goes.
type PutPlace struct {
	Destination *config.Destination
	Final       string // remote path
}

// String words the place for people.
func (p PutPlace) String() string { return p.Destination.Name + ":" + p.Final }

// Place reads DEST:PATH. Words that make no sense are a *control.Refusal.
func (o *Put) Place(c *config.Config) (PutPlace, error) {
	name, path, found := strings.Cut(o.To, ":")
	if !found {
		return PutPlace{}, usage("%q is not of the form DEST:PATH", o.To)
	}
	if err := knowsDestination(c, name); err != nil {
		return PutPlace{}, err
	}
	d, _ := c.Destination(name)
	if path == "~" || strings.HasPrefix(path, "~/") {
		return PutPlace{}, usage("%q: ~ stands in root only; a path without / in front is below root, which is the login directory by default", o.To)
	}
	if path == "" || strings.HasSuffix(path, "/") {
		if o.File == StreamName {
			return PutPlace{}, usage("standard input has no name: %q needs one behind the last /", o.To)
		}
		path += filepath.Base(o.File)
	}
	if strings.ContainsRune(path, 0) {
		return PutPlace{}, usage("%q holds a byte that no name may hold", o.To)
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == ".." {
			return PutPlace{}, usage(`%q holds "..": write the whole path`, o.To)
		}
	}
	place := PutPlace{d, config.JoinRemote(d.Root, path)}
	if o.File == StreamName && d.Publish == "direct" {
		return place, usage("destination %s publishes directly, where readers would see part of a stream: write it to a file first, and put that", name)
	}
	return place, nil
}

// Run sends the source and returns when it is published, or when that is given up. Errors are those of syncer.Put, of the
// server and of the disk, ErrPutRuns, and a *control.Refusal for words that make no sense.
func (o *Put) Run(ctx context.Context, c *config.Config) (result syncer.PutResult, err error) {
	place, err := o.Place(c)
	if err != nil {
		return result, err
	}
	put := syncer.Put{
		Final: place.Final, Publishing: publishingOf(place.Destination), Path: StreamName, Stream: o.Stream,
		Overwrite: o.Overwrite, AllowEmpty: o.AllowEmpty, Expect: syncer.Expectation{Size: o.Size, SHA256: o.SHA256},
		Verify: remote.Demand(o.Verify), CheckpointBytes: putCheckpointBytes, CheckpointEvery: putCheckpointEvery,
		Retry: putRetry, Patience: o.Patience, Observe: o.Observe,
	}
	if o.File != StreamName {
		put.Stream = nil
		if put.Source, err = sourceOf(o.File); err != nil {
			return result, err
		}
		put.Path = file.Path(filepath.ToSlash(put.Source))
	}
	dir := putStateDir(c)
	store, err := state.OpenShared(ctx, dir)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	key, err := fingerprintKey(ctx, store)
	if err != nil {
		return result, err
	}
	limits := limitsOf(c)
	put.Store, put.Destination = store, putDestination(c, place.Destination, key, limits)
	put.Hold = func(final string) (func() error, error) { return state.Hold(dir, put.Destination.Name+"\x00"+final) }
	release, err := put.Hold(place.Final)
	if errors.Is(err, state.ErrHeld) {
		err = fmt.Errorf("put %s: %w", place, ErrPutRuns)
	}
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if o.RetryLogin {
		if err := store.ClearBlock(ctx, put.Destination.Name); err != nil {
			return result, err
		}
	}
	defer keepingTime(ctx, limits, func() *config.Config { return c })()
	result, err = put.Run(ctx)
	result.Delivery.Destination = place.Destination.Name
	return result, err
}

// putDestination is how a put reaches a destination. The store knows it by what it is and not by its name alone, since an
// account may use several configurations.
func putDestination(c *config.Config, d *config.Destination, key []byte, limits *bandwidth.Limits) syncer.Destination {
	destination, target := destinationOf(c, d, key, limits, nil, nil), targetOf(c, d)
	destination.Name = fmt.Sprintf("%s (%s@%s)", d.Name, target.User, target.Addr())
	return destination
}

// putStateDir returns where puts keep their store: with the user's own state, or with the agent's where the account has no
// home directory.
func putStateDir(c *config.Config) string {
	dir := config.UserStateDir()
	if dir == "" {
		dir = c.Agent.StateDir
	}
	return filepath.Join(dir, "put")
}

// sourceOf returns the absolute name of a regular file, with no link in it.
func sourceOf(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		what := "is no regular file: what a program writes is put with `PROGRAM | dropferry put - DEST:PATH`"
		if info.IsDir() {
			what = "is a directory"
		}
		return "", fmt.Errorf("open %s: %s", name, what)
	}
	full, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(full)
}
