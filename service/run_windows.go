package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
)

// Run runs work as the service of that name, for the service manager, which must have started this process. Where work
// fails by itself, but for a Final, the process ends at once and without a word to the service manager: that is
// what has the service started again.
func Run(ctx context.Context, name string, work Work) error {
	surviveLogoff()
	// What ends ctx are signals, and those that Windows sends to services speak of other people's sessions.
	r := &runner{ctx: context.WithoutCancel(ctx), name: name, work: work, crash: os.Exit}
	err := svc.Run(name, r)
	if errors.Is(err, windows.ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
		return errors.New("`service run` is for the service manager of Windows: type `dropferry service start`, or `dropferry run` to run here")
	}
	if err != nil {
		return fmt.Errorf("service %s: %w", name, err)
	}
	return r.err
}

// surviveLogoff keeps a service at work when somebody logs off: Windows tells every service of it, and the Go runtime
// would take it for a request to end. A shutdown is told by the service manager too.
func surviveLogoff() {
	const logoffEvent, shutdownEvent = 5, 6
	swallow := func(event uint32) uintptr {
		if event == logoffEvent || event == shutdownEvent {
			return 1
		}
		return 0
	}
	set := windows.NewLazySystemDLL("kernel32.dll").NewProc("SetConsoleCtrlHandler")
	_, _, _ = set.Call(windows.NewCallback(swallow), 1) // without it a logoff ends the service, which is started again
}

// runner lets the service manager and the work talk to each other.
type runner struct {
	ctx   context.Context //nolint:containedctx // that of Run, which svc.Run does not hand on
	name  string
	work  Work
	crash func(code int)
	err   error // of work, in the end
}

const (
	// accepted is what the service manager may send.
	accepted = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown | svc.AcceptParamChange
	// signOfLife is how often the service manager hears of a service that starts or stops; patience is how long it waits.
	signOfLife = 2 * time.Second
	patience   = 20 * time.Second
	// exitUnexpected is the process's exit code when it ends like a crash.
	exitUnexpected = 1
)

// Execute implements svc.Handler.
func (r *runner) Execute(_ []string, requests <-chan svc.ChangeRequest, say chan<- svc.Status) (bool, uint32) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	status := svc.Status{State: svc.StartPending, WaitHint: uint32(patience.Milliseconds())}
	say <- status
	host := newHost()
	ended := make(chan error, 1)
	go func() { ended <- r.work(ctx, host) }() // waited for below, but where time is up
	life := time.NewTicker(signOfLife)
	defer life.Stop()
	var up <-chan time.Time // when the time to stop is up
	var why farewell
	for {
		select {
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				say <- status
			case svc.ParamChange:
				host.reload()
			case svc.Stop, svc.PreShutdown, svc.Shutdown:
				why = max(why, farewellOf(request.Cmd))
				status = svc.Status{State: svc.StopPending, WaitHint: uint32(patience.Milliseconds())}
				say <- status
				up = time.After(stopLimit(why, host.grace()))
				cancel()
			}
		case <-host.news:
			switch {
			case host.isReady() && status.State == svc.StartPending:
				status = svc.Status{State: svc.Running, Accepts: accepted}
				say <- status
			case status.State == svc.StopPending:
				up = time.After(stopLimit(why, host.grace()))
			}
		case <-life.C:
			if status.State != svc.Running {
				status.CheckPoint++
				say <- status
			}
		case <-up:
			r.tell(slog.LevelWarn, "stopped before files under way had ended: they go on at the next start", nil)
			return false, 0
		case r.err = <-ended:
			return r.ended(ctx.Err() != nil)
		}
	}
}

// farewellOf returns why the service manager has the service end.
func farewellOf(c svc.Cmd) farewell {
	switch c {
	case svc.PreShutdown:
		return preShutdown
	case svc.Shutdown:
		return shutdown
	}
	return asked
}

// ended returns the exit code of the service, after work has ended.
func (r *runner) ended(wanted bool) (own bool, code uint32) {
	final, isFinal := errors.AsType[*Final](r.err)
	switch {
	case r.err == nil, wanted && errors.Is(r.err, context.Canceled):
		r.err = nil
		return false, 0
	case isFinal:
		r.tell(slog.LevelError, "the service has ended, and is not started again until a person does it", r.err)
		return true, uint32(final.Code)
	case wanted:
		r.tell(slog.LevelError, "the service has not ended as it should", r.err)
		return true, exitUnexpected
	}
	r.tell(slog.LevelError, "the service has ended by itself, and is started again", r.err)
	r.crash(exitUnexpected)
	return true, exitUnexpected
}

// tell writes to the Event Log what nobody else can: a service has no standard error.
func (r *runner) tell(level slog.Level, text string, err error) {
	log, openErr := OpenEventLog(r.name)
	if openErr != nil {
		return
	}
	line := text
	if err != nil {
		line += ": " + err.Error()
	}
	_ = log.Emit(slog.NewRecord(time.Now(), level, text, 0), []byte(line)) // there is nobody to tell
	_ = log.Close()
}

// managed is the Host of a service: what the work says, for Execute to pass on.
type managed struct {
	Nobody // what Windows does not ask for, or has no place for

	news    chan struct{} // has a value when there is something new
	reloads chan struct{}

	mu     sync.Mutex
	ready  bool
	within time.Duration
}

func newHost() *managed {
	return &managed{news: make(chan struct{}, 1), reloads: make(chan struct{}, 1)}
}

func (m *managed) change(f func()) {
	m.mu.Lock()
	f()
	m.mu.Unlock()
	poke(m.news)
}

// poke leaves a value in a channel with room for one.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (m *managed) isReady() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ready
}

func (m *managed) grace() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.within
}

func (m *managed) reload() { poke(m.reloads) }

// Ready implements Host.
func (m *managed) Ready() { m.change(func() { m.ready = true }) }

// Stopping implements Host.
func (m *managed) Stopping(within time.Duration) { m.change(func() { m.within = within }) }

// Reloads implements Host.
func (m *managed) Reloads() <-chan struct{} { return m.reloads }
