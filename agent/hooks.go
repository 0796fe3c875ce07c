package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/notify"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// A folder's hooks run beside the deliveries, one after the other. Those for deliveries follow the ledger: how far they
// have come is in the store, so that nothing is kept in memory, however slow a program is, and none is left out after a
// crash. One that was under way then runs again.

const (
	hooksAtOnce   = 16               // receipts that are read at once
	mostFailures  = 256              // that wait for on_failed; what comes then is told in the log alone
	hookGrace     = 10 * time.Second // for a hook under way when the agent ends; it runs again at the next start
	hookLookEvery = time.Minute      // how often the ledger is looked at without a word
)

// hooks runs programs after what becomes of files.
type hooks struct {
	store *state.Store
	setup func() *setup
	log   *slog.Logger
	poke  chan struct{}

	mu       sync.Mutex
	failures map[string][]syncer.Event // by folder
	busy     map[string]bool           // folders whose hooks are at work
	working  sync.WaitGroup
}

func newHooks(store *state.Store, setup func() *setup, log *slog.Logger) *hooks {
	return &hooks{
		store: store, setup: setup, log: log, poke: make(chan struct{}, 1),
		failures: map[string][]syncer.Event{}, busy: map[string]bool{},
	}
}

func hookKey(folder string) string { return "hooks " + folder }

// mark has the hooks of folders that have got them begin at the deliveries from now on, and not at those of years ago.
func (h *hooks) mark(ctx context.Context, c *config.Config) error {
	last, err := h.store.LastReceipt(ctx)
	if err != nil {
		return err
	}
	for i := range c.Folders {
		f := &c.Folders[i]
		was, err := h.store.Meta(ctx, hookKey(f.Name))
		if err != nil {
			return err
		}
		now := ""
		if len(f.Hooks.OnDelivered) > 0 {
			if now = was; now == "" {
				now = strconv.FormatInt(last, 10)
			}
		}
		if now != was {
			if err := h.store.SetMeta(ctx, hookKey(f.Name), now); err != nil {
				return err
			}
		}
	}
	return nil
}

// hear notes what hooks are about. It does not wait.
func (h *hooks) hear(e syncer.Event) {
	switch e.Type {
	case syncer.EventDelivered:
	case syncer.EventHeld, syncer.EventParked:
		f, there := h.setup().config.Folder(e.Folder)
		if !there || len(f.Hooks.OnFailed) == 0 {
			return
		}
		h.mu.Lock()
		full := len(h.failures[e.Folder]) >= mostFailures
		if !full {
			h.failures[e.Folder] = append(h.failures[e.Folder], e)
		}
		h.mu.Unlock()
		if full {
			h.log.Warn("on_failed does not run for a file: too many wait for it", "folder", e.Folder, "id", e.ID)
		}
	default:
		return
	}
	h.wake()
}

// wake has run look for what there is to do.
func (h *hooks) wake() {
	select {
	case h.poke <- struct{}{}:
	default: // it is told already
	}
}

// run runs hooks until ctx ends, and a little longer for those under way.
func (h *hooks) run(ctx context.Context) {
	defer h.working.Wait()
	ticker := time.NewTicker(hookLookEvery)
	defer ticker.Stop()
	for {
		h.begin(ctx)
		select {
		case <-ctx.Done():
			return
		case <-h.poke:
		case <-ticker.C:
		}
	}
}

// drain runs the hooks of all that has happened, and returns when they have ended.
func (h *hooks) drain(ctx context.Context) {
	h.begin(ctx)
	h.working.Wait()
}

// begin sets the hooks of folders to work that are not at it.
func (h *hooks) begin(ctx context.Context) {
	s := h.setup()
	for i := range s.config.Folders {
		f := &s.config.Folders[i]
		if len(f.Hooks.OnDelivered)+len(f.Hooks.OnFailed) == 0 {
			continue
		}
		h.mu.Lock()
		idle := !h.busy[f.Name]
		h.busy[f.Name] = true
		h.mu.Unlock()
		if idle {
			h.working.Go(func() { h.work(ctx, s.config, f) })
		}
	}
}

// work runs what there is to run for one folder.
func (h *hooks) work(ctx context.Context, c *config.Config, f *config.Folder) {
	err := h.delivered(ctx, c, f)
	if err != nil && ctx.Err() == nil {
		h.log.Warn("hooks could not be run: they are tried again in a minute", "folder", f.Name, "error", err)
	}
	for {
		e, more := h.next(ctx, f.Name)
		if !more {
			break
		}
		h.failed(ctx, c, f, e)
	}
	if ctx.Err() != nil || err != nil {
		return
	}
	if more, err := h.store.Receipts(ctx, f.Name, h.cursor(ctx, f.Name), 1); err == nil && len(more) > 0 {
		h.wake() // for what was delivered meanwhile
	}
}

// next takes the first failure that waits for on_failed. Where none does, or ctx has ended, the folder's hooks are at work no more.
func (h *hooks) next(ctx context.Context, folder string) (e syncer.Event, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	waiting := h.failures[folder]
	if ctx.Err() != nil || len(waiting) == 0 {
		h.busy[folder] = false
		return e, false
	}
	h.failures[folder] = waiting[1:]
	return waiting[0], true
}

// cursor returns the number of the last receipt for which hooks have run.
func (h *hooks) cursor(ctx context.Context, folder string) int64 {
	text, err := h.store.Meta(ctx, hookKey(folder))
	if err != nil || text == "" {
		return math.MaxInt64 // nothing is known to be left
	}
	seq, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return seq
}

// delivered runs on_delivered for the receipts that have none of it yet.
func (h *hooks) delivered(ctx context.Context, c *config.Config, f *config.Folder) error {
	if len(f.Hooks.OnDelivered) == 0 {
		return nil
	}
	for {
		receipts, err := h.store.Receipts(ctx, f.Name, h.cursor(ctx, f.Name), hooksAtOnce)
		if err != nil || len(receipts) == 0 {
			return err
		}
		for _, d := range receipts {
			if err := h.sent(ctx, c, f, d); err != nil {
				return err
			}
		}
	}
}

// hookReport is what a hook reads. Fields are only ever added.
type hookReport struct {
	Event     string            `json:"event"` // delivered, held or parked
	Agent     string            `json:"agent"`
	LocalPath string            `json:"local_path"` // where the file was found
	Receipt   *control.Delivery `json:"receipt,omitempty"`
	Failure   *hookFailure      `json:"failure,omitempty"`
}

type hookFailure struct {
	ID          string    `json:"id"`
	Folder      string    `json:"folder"`
	Destination string    `json:"destination"`
	Path        string    `json:"path"`
	PathB64     []byte    `json:"path_b64,omitempty"` // where path is not UTF-8
	RemotePath  string    `json:"remote_path"`
	Size        int64     `json:"size"`
	At          time.Time `json:"at"`
	Error       string    `json:"error"`
	Hint        string    `json:"hint,omitempty"`
}

// sent runs on_delivered for one receipt. It returns an error where it has to run again: its own failure is none.
func (h *hooks) sent(ctx context.Context, c *config.Config, f *config.Folder, d state.Delivery) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	view := ViewDelivery(d)
	local := d.Path.In(f.Path)
	words := []string{
		"FOLDER=" + d.Folder, "DESTINATION=" + d.Destination, "PATH=" + string(d.Path), "LOCAL_PATH=" + local, "REMOTE_PATH=" + d.RemotePath, "ID=" + d.ID,
		"SIZE=" + strconv.FormatInt(d.Size, 10), "SHA256=" + view.SHA256, "EVIDENCE=" + d.Proof.Evidence,
		"DELIVERED_AT=" + view.DeliveredAt.Format(time.RFC3339Nano),
	}
	report := hookReport{Event: string(notify.Delivered), Agent: c.Agent.Name, LocalPath: local, Receipt: &view}
	if cut := h.runOne(ctx, c, f, "on_delivered", f.Hooks.OnDelivered, &report, d.ID, words); cut {
		return context.Canceled
	}
	return h.store.SetMeta(context.WithoutCancel(ctx), hookKey(f.Name), strconv.FormatInt(d.Seq, 10))
}

// failed runs on_failed for one file.
func (h *hooks) failed(ctx context.Context, c *config.Config, f *config.Folder, e syncer.Event) {
	failure := hookFailure{
		ID: e.ID, Folder: e.Folder, Destination: e.Destination, Path: string(e.Path), PathB64: raw(e.Path), RemotePath: e.RemotePath,
		Size: e.Size, At: e.At.UTC(), Error: e.Reason,
	}
	if e.Err != nil {
		failure.Error, failure.Hint = e.Err.Error(), remote.HintOf(e.Err)
	}
	local := e.Path.In(f.Path)
	words := []string{
		"FOLDER=" + e.Folder, "DESTINATION=" + e.Destination, "PATH=" + string(e.Path), "LOCAL_PATH=" + local, "REMOTE_PATH=" + e.RemotePath, "ID=" + e.ID,
		"SIZE=" + strconv.FormatInt(e.Size, 10), "ERROR=" + failure.Error,
	}
	report := hookReport{Event: string(e.Type), Agent: c.Agent.Name, LocalPath: local, Failure: &failure}
	h.runOne(ctx, c, f, "on_failed", f.Hooks.OnFailed, &report, e.ID, words)
}

// runOne runs one program, and tells the log what has come of it. cut tells that the end of the agent has cut it off.
func (h *hooks) runOne(ctx context.Context, c *config.Config, f *config.Folder, hook string, args []string, report *hookReport, id string, words []string) (cut bool) {
	input, err := json.Marshal(report)
	if err != nil {
		h.log.Warn("a hook could not be told what has happened", "hook", hook, "folder", f.Name, "id", id, "error", err)
		return false
	}
	env := append(environment(c), "DROPFERRY_AGENT="+report.Agent, "DROPFERRY_EVENT="+report.Event)
	for _, w := range words {
		env = append(env, "DROPFERRY_"+w)
	}
	running, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.Hooks.Timeout)
	defer cancel()
	ending := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		timer := time.NewTimer(hookGrace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-ending:
		}
	})()
	began := time.Now()
	output, err := notify.Run(running, args, env, append(input, '\n'))
	close(ending)
	fields := []any{"hook", hook, "folder", f.Name, "id", id, "seconds", time.Since(began).Seconds()}
	if output != "" {
		fields = append(fields, "output", output)
	}
	switch {
	case err == nil:
		h.log.Info("a hook has run", fields...)
	case ctx.Err() != nil && running.Err() == context.Canceled:
		return true
	default:
		h.log.Warn("a hook has failed", append(fields, "error", fmt.Sprint(err))...)
	}
	return false
}
