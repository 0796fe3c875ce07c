package agent

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/page"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// web is where the agent answers over TCP, by the configuration of the moment.
type web struct {
	log  *slog.Logger
	site func(c *config.Config) control.Site

	mu      sync.Mutex
	started config.Control
	address string         // http://host:port; "" nowhere
	stop    func()         // frees the port, and has what is under way end
	serving sync.WaitGroup // what has not ended yet
}

// begin answers where a configuration says, until end. A port that is taken keeps nothing from being delivered.
func (w *web) begin(ctx context.Context, c *config.Config) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leave()
	w.started = c.Control
	if c.Control.Listen == "" {
		return
	}
	server, err := listenWeb(c)
	if err != nil {
		w.log.Warn("nobody can look at this agent over HTTP: commands work all the same", "listen", c.Control.Listen, "error", err)
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // while files finish, people may ask
	w.serving.Go(func() {
		if err := server.Serve(ctx, w.site(c)); err != nil {
			w.log.Warn("nobody can look at this agent over HTTP any more", "error", err)
		}
	})
	w.address, w.stop = server.Address(), func() {
		_ = server.Close() // frees the port at once; nothing is lost by it
		cancel()
	}
	w.log.Info("to be looked at in a browser: `dropferry page` prints the address that signs in", "address", w.address)
}

func listenWeb(c *config.Config) (*control.Web, error) {
	token, err := control.MakeToken(c.Agent.StateDir)
	if err != nil {
		return nil, err
	}
	return control.ListenWeb(c.Control.Listen, token, c.Control.Hosts)
}

// end stops answering.
func (w *web) end() {
	w.mu.Lock()
	w.leave()
	w.mu.Unlock()
	w.serving.Wait() // without the lock: an answer under way may ask for the address
}

// leave leaves the place without waiting for the answers under way: one of them may be that of a reload.
func (w *web) leave() {
	if w.stop != nil {
		w.stop()
	}
	w.stop, w.address = nil, ""
}

// at returns where it answers.
func (w *web) at() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.address
}

// isAsBefore tells whether it answers in the same way.
func (w *web) isAsBefore(c *config.Config) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return same(w.started, c.Control)
}

// site is what the agent shows.
func (a *Agent) site(c *config.Config) control.Site {
	s := control.Site{
		API: a, Ready: a.Ready, Page: page.Pages(), Log: a.recent.all,
		Configuration: func() any { return effective(a.current().config) }, Servers: a.Servers, Delivery: a.Delivery,
		Activity: func(ctx context.Context, span string) (control.Activity, error) {
			return a.activity.over(ctx, span, time.Now())
		},
	}
	if c.Control.Metrics {
		s.Metrics = http.Handler(a.metrics)
	}
	return s
}

// Ready returns why the agent is not up to date, a sentence for each reason; nothing where it is.
func (a *Agent) Ready(ctx context.Context) (reasons []string, err error) {
	status, err := a.Status(ctx)
	if err != nil {
		return nil, err
	}
	reasons = notReady(&status)
	late, err := a.late(ctx)
	if err != nil {
		return nil, err
	}
	for _, in := range late {
		reasons = append(reasons, fmt.Sprintf("a file has waited for %s since %s: %s/%s", in.Destination, rfc3339(in.ReadyAt), in.Folder, in.Path))
	}
	return reasons, nil
}

// late returns the first file of each route that has waited for longer than its folder allows.
func (a *Agent) late(ctx context.Context) (late []state.Intent, err error) {
	counts, err := a.store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	closed := closedLinks(a.syncer.Status())
	for _, c := range counts {
		in, isLate, err := lateOn(ctx, a.store, a.current().config, c, closed, time.Now())
		if err != nil {
			return nil, err
		}
		if isLate {
			late = append(late, in)
		}
	}
	return late, nil
}

// notReady decides what of a status means that something is not as it should be.
func notReady(s *control.Status) (reasons []string) {
	add := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	for i := range s.Folders {
		f := &s.Folders[i]
		switch {
		case f.Halted != nil:
			add("folder %s is halted: %s", f.Name, f.Halted.Detail)
		case f.State == watcher.Waiting, f.State == watcher.Hanging:
			add("folder %s cannot be read: %s", f.Name, f.Reason)
		case f.LastScan == nil:
			add("folder %s has not been looked through yet", f.Name)
		}
		if f.Held+f.Parked > 0 {
			add("folder %s: %s for a person", f.Name, FilesWait(f.Held+f.Parked))
		}
	}
	for _, d := range s.Destinations {
		switch state := syncer.LinkState(d.State); {
		case state == syncer.LinkBlocked, state == syncer.LinkWaiting, state == syncer.LinkConnecting && d.Reason != "":
			add("destination %s is %s: %s", d.Name, d.State, d.Reason)
		}
	}
	return reasons
}

// FilesWait words how many files do.
func FilesWait(n int) string {
	if n == 1 {
		return "1 file waits"
	}
	return fmt.Sprintf("%d files wait", n)
}
