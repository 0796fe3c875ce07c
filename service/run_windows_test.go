package service

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/windows/svc"
)

// stage is a service manager that a test plays.
type stage struct {
	t        *testing.T
	requests chan svc.ChangeRequest
	statuses chan svc.Status
	done     chan struct{}
	own      bool
	code     uint32
	crashed  []int
}

func play(t *testing.T, work Work) *stage {
	t.Helper()
	s := &stage{t: t, requests: make(chan svc.ChangeRequest), statuses: make(chan svc.Status), done: make(chan struct{})}
	r := &runner{ctx: t.Context(), name: "dropferry-test", work: work, crash: func(code int) { s.crashed = append(s.crashed, code) }}
	go func() {
		defer close(s.done)
		s.own, s.code = r.Execute(nil, s.requests, s.statuses)
	}()
	return s
}

// until reads statuses until one is in a state.
func (s *stage) until(state svc.State) svc.Status {
	s.t.Helper()
	for {
		select {
		case got := <-s.statuses:
			if got.State == state {
				return got
			}
		case <-s.done:
			s.t.Fatalf("the service has ended, and was never in state %d", state)
		case <-time.After(time.Minute):
			s.t.Fatalf("the service is not in state %d", state)
		}
	}
}

func (s *stage) ends() {
	s.t.Helper()
	for {
		select {
		case <-s.statuses:
		case <-s.done:
			return
		case <-time.After(time.Minute):
			s.t.Fatal("the service does not end")
		}
	}
}

func TestServiceLives(t *testing.T) {
	reloaded := make(chan struct{})
	s := play(t, func(ctx context.Context, host Host) error {
		host.Ready()
		select {
		case <-host.Reloads():
			close(reloaded)
		case <-ctx.Done():
		}
		<-ctx.Done()
		host.Stopping(time.Second)
		return nil
	})
	s.until(svc.StartPending)
	running := s.until(svc.Running)
	for _, a := range []svc.Accepted{svc.AcceptStop, svc.AcceptShutdown, svc.AcceptPreShutdown, svc.AcceptParamChange} {
		if running.Accepts&a == 0 {
			t.Errorf("%d is not accepted", a)
		}
	}
	s.requests <- svc.ChangeRequest{Cmd: svc.Interrogate}
	if got := s.until(svc.Running); got.Accepts != running.Accepts {
		t.Errorf("interrogated: %+v", got)
	}
	s.requests <- svc.ChangeRequest{Cmd: svc.ParamChange}
	<-reloaded
	s.requests <- svc.ChangeRequest{Cmd: svc.Stop}
	if got := s.until(svc.StopPending); got.WaitHint == 0 {
		t.Errorf("stopping: %+v", got)
	}
	s.ends()
	if s.own || s.code != 0 || s.crashed != nil {
		t.Errorf("ended with %v %d, crashes %v", s.own, s.code, s.crashed)
	}
}

// A system that goes down is told in two ways, and both end the work.
func TestServiceGoesDownWithTheSystem(t *testing.T) {
	for _, command := range []svc.Cmd{svc.PreShutdown, svc.Shutdown} {
		s := play(t, func(ctx context.Context, host Host) error {
			host.Ready()
			<-ctx.Done()
			return ctx.Err()
		})
		s.until(svc.Running)
		s.requests <- svc.ChangeRequest{Cmd: command}
		s.until(svc.StopPending)
		s.ends()
		if s.code != 0 || s.crashed != nil {
			t.Errorf("%d: ended with %d, crashes %v", command, s.code, s.crashed)
		}
	}
}

// Work that does not end in time is left behind: the system would kill the process a moment later anyway.
func TestServiceEndsInTime(t *testing.T) {
	late := make(chan struct{})
	defer close(late)
	s := play(t, func(_ context.Context, host Host) error {
		host.Ready()
		<-late
		return nil
	})
	s.until(svc.Running)
	begun := time.Now()
	s.requests <- svc.ChangeRequest{Cmd: svc.Shutdown}
	s.ends()
	if took := time.Since(begun); took < shutdownTime/2 || s.code != 0 {
		t.Errorf("ended with %d after %v", s.code, took)
	}
}

func TestServiceThatIsSlow(t *testing.T) {
	s := play(t, func(ctx context.Context, host Host) error {
		time.Sleep(2*signOfLife + signOfLife/2) // stands for a store that is migrated
		host.Ready()
		<-ctx.Done()
		return nil
	})
	last := s.until(svc.StartPending)
	if next := s.until(svc.StartPending); next.CheckPoint <= last.CheckPoint {
		t.Errorf("no sign of life: %+v, then %+v", last, next)
	}
	s.until(svc.Running)
	s.requests <- svc.ChangeRequest{Cmd: svc.Stop}
	s.ends()
}

func TestHowAServiceEnds(t *testing.T) {
	fault := errors.New("the disk is gone")
	for _, test := range []struct {
		name    string
		err     error
		own     bool
		code    uint32
		crashes []int
	}{
		{"by itself, well", nil, false, 0, nil},
		{"like a crash, to be started again", fault, true, 1, []int{1}},
		{"for good", &Final{fault, 5}, true, 5, nil},
	} {
		s := play(t, func(context.Context, Host) error { return test.err })
		s.ends()
		if s.own != test.own || s.code != test.code || !slices.Equal(s.crashed, test.crashes) {
			t.Errorf("%s: %v, %d, crashes %v", test.name, s.own, s.code, s.crashed)
		}
	}
}

func TestRunIsForTheServiceManager(t *testing.T) {
	err := Run(t.Context(), "dropferry-test", func(context.Context, Host) error { return nil })
	if err == nil {
		t.Error("a person can be the service manager")
	}
}
