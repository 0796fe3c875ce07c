package control

import (
	"context"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what should happen at once.
const patience = 20 * time.Second

// fake is an API of functions; those that a test does not set are not called by it.
type fake struct {
	status  func(context.Context) (Status, error)
	history func(context.Context, HistoryQuery) (History, error)
	explain func(context.Context, string) (Explanation, error)
	plan    func(context.Context) (Plan, error)
	command func(context.Context, Command) (Outcome, error)
}

func (f fake) Status(ctx context.Context) (Status, error) { return f.status(ctx) }
func (f fake) History(ctx context.Context, q HistoryQuery) (History, error) {
	return f.history(ctx, q)
}

func (f fake) Explain(ctx context.Context, name string) (Explanation, error) {
	return f.explain(ctx, name)
}
func (f fake) Plan(ctx context.Context) (Plan, error) { return f.plan(ctx) }

func (f fake) Command(ctx context.Context, c Command) (Outcome, error) { return f.command(ctx, c) }

// stateDir returns a new directory whose name is short enough for a socket, unlike that of t.TempDir.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "df")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Log(err)
		}
	})
	return dir
}

// serve answers from a on dir until the test ends or stop is called, which returns what Serve has returned.
func serve(t *testing.T, dir string, a API) (stop func() error) {
	t.Helper()
	s, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s, a)
}

func start(t *testing.T, s *Server, a API) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, a) }()
	stopped := false
	stop = func() error {
		stopped = true
		cancel()
		return within(t, served)
	}
	t.Cleanup(func() {
		if !stopped {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return stop
}

func dial(t *testing.T, dir string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// within receives from c.
func within[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("it takes too long")
	}
	return v
}
