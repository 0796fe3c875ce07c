package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// injector makes the faults of a schedule, one after another.
type injector struct {
	began time.Time
	wire  *sftptest.Wire
	rate  int // of the wire, while nothing is wrong; bytes a second
	sshd  *sftptest.SSHD
	agent *agent
	disk  *disk // nil where there is none
	log   *logbook
	took  <-chan struct{} // see partner

	made []injected
}

const (
	// stall is the agent's stall_timeout, and stableFor its stable_for.
	stall     = 4 * time.Second
	stableFor = 500 * time.Millisecond
	// sample is how often the traffic is looked at.
	sample = 20 * time.Millisecond
	// trafficWithin is how long a fault waits for traffic that it can meet. The agent's keepalive is shorter.
	trafficWithin = 3 * time.Second
	// fullWithin is how long a full disk waits for somebody who notices, and a port for whoever has it to give it back.
	fullWithin = 10 * time.Second
)

// run makes the faults until all are made or ctx ends, and leaves everything as it should be.
func (i *injector) run(ctx context.Context, faults []fault) error {
	for _, f := range faults {
		if sleep(ctx, time.Until(i.began.Add(f.At))) != nil {
			return nil
		}
		var detail string
		var hit bool
		at := time.Since(i.began)
		i.log.say("fault: %s", f.Kind)
		failed := guard(func() {
			var err error
			if detail, hit, err = i.inject(ctx, f); err != nil {
				panic(gaveUp{err})
			}
		})
		if failed != nil {
			return fmt.Errorf("%s: %w", f.Kind, failed)
		}
		i.made = append(i.made, injected{f.Kind, detail, at, hit})
		i.log.say("fault over: %s: %s, met something: %v", f.Kind, detail, hit)
	}
	return nil
}

// inject makes one fault and takes it back. hit tells whether it met something.
func (i *injector) inject(ctx context.Context, f fault) (detail string, hit bool, err error) {
	switch f.Kind {
	case cut:
		return i.cut(ctx, f)
	case fullDisk:
		return i.fillDisk(ctx, f)
	case killed:
		return i.endAgent(ctx, f, byKill)
	case stopped:
		return i.endAgent(ctx, f, byStop)
	}
	if hit, err = i.traffic(ctx); err != nil {
		return "", false, err
	}
	sent, _, _ := i.wire.Stats()
	switch f.Kind {
	case blackhole:
		i.wire.BlackholeUp(f.Up)
		i.wire.BlackholeDown(f.Down)
		err = sleep(ctx, f.For)
		i.wire.Blackhole(false)
		return fmt.Sprintf("for %v, up %v, down %v", round(f.For), f.Up, f.Down), hit, ignoreEnd(ctx, err)
	case refusal:
		err = i.wire.Shut(true)
		i.wire.Cut()
		return fmt.Sprintf("for %v", round(f.For)), hit, errors.Join(err, i.open(ctx, f.For))
	case slowness:
		i.wire.SetRate(f.Rate)
		i.wire.SetDelay(f.Delay)
		err = sleep(ctx, f.For)
		i.wire.SetDelay(0)
		i.wire.SetRate(i.rate)
		now, _, _ := i.wire.Stats()
		detail = fmt.Sprintf("for %v, %s/s and %v, %s passed", round(f.For), amount(int64(f.Rate)), round(f.Delay), amount(now-sent))
		return detail, now-sent > 64<<10, ignoreEnd(ctx, err)
	case sessions:
		i.sshd.KillSessions()
		return "", hit, nil
	case frozen:
		return i.freeze(ctx, f)
	case restart:
		err = i.wire.Shut(true)
		i.sshd.Stop()
		i.sshd.Start() // it is there for nobody yet
		return fmt.Sprintf("away for %v", round(f.For)), hit, errors.Join(err, i.open(ctx, f.For))
	}
	return "", false, fmt.Errorf("no such fault: %q", f.Kind)
}

// freeze stops the server's SFTP processes for a time.
func (i *injector) freeze(ctx context.Context, f fault) (string, bool, error) {
	var thaw func()
	if guard(func() { thaw = i.sshd.Freeze() }) != nil {
		return "nobody there", false, nil
	}
	defer thaw()
	err := sleep(ctx, f.For)
	return fmt.Sprintf("for %v", round(f.For)), true, ignoreEnd(ctx, err)
}

// open lets connections through again after a time. Somebody else may have the port for a moment: so does who dials from it.
func (i *injector) open(ctx context.Context, after time.Duration) error {
	if err := sleep(ctx, after); ignoreEnd(ctx, err) != nil {
		return err
	}
	err := i.wire.Shut(false)
	for end := time.Now().Add(fullWithin); err != nil && time.Now().Before(end); err = i.wire.Shut(false) {
		if sleep(ctx, sample) != nil {
			break
		}
	}
	return err
}

// cut resets the connections at a publication, or when so many more bytes have passed, if that happens soon.
func (i *injector) cut(ctx context.Context, f fault) (string, bool, error) {
	if hit, err := i.traffic(ctx); err != nil || !hit {
		return "nobody there", false, err
	}
	if f.Publication && i.publication(ctx) {
		i.wire.Cut()
		return "at a publication", true, nil
	}
	done := i.wire.CutAfter(f.Bytes) // at once, where a publication was waited for in vain
	timer := time.NewTimer(trafficWithin)
	defer timer.Stop()
	select {
	case <-done:
		return "after " + amount(f.Bytes), true, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	i.wire.CutAfter(-1)
	return "not so much was sent", false, nil
}

// endAgent ends the agent in mid-traffic and starts another.
func (i *injector) endAgent(ctx context.Context, f fault, why cause) (string, bool, error) {
	if _, err := i.traffic(ctx); err != nil {
		return "", false, err
	}
	when := "in mid-traffic"
	if f.Publication && i.publication(ctx) {
		when = "at a publication"
	}
	hit, err := i.agent.end(why)
	if err != nil {
		return "", false, err
	}
	if err := sleep(ctx, f.For); ignoreEnd(ctx, err) != nil {
		return "", false, err
	}
	return fmt.Sprintf("%s, away for %v", when, round(f.For)), hit, i.agent.start(i.log)
}

// fillDisk fills the server's disk until the agent has noticed and some time more.
func (i *injector) fillDisk(ctx context.Context, f fault) (detail string, hit bool, err error) {
	if i.disk == nil {
		return "no disk to fill", false, nil
	}
	before, began := i.log.fullDisks(), time.Now()
	for end := began.Add(fullWithin); err == nil && time.Now().Before(end); {
		if err = i.disk.fill(); err != nil {
			break
		}
		if !hit && i.log.fullDisks() > before {
			hit, end = true, time.Now().Add(f.For)
		}
		if sleep(ctx, 5*sample) != nil {
			break
		}
	}
	if freeErr := i.disk.free(); err == nil {
		err = freeErr
	}
	return fmt.Sprintf("for %v", round(time.Since(began))), hit, err
}

// traffic waits until bytes pass over a session. It tells false where none do. Logins are let be: a fault that waits for the
// agent's next attempt and strikes each would only show its patience, which is long.
func (i *injector) traffic(ctx context.Context) (bool, error) {
	sent, received, _ := i.wire.Stats()
	for end := time.Now().Add(trafficWithin); time.Now().Before(end); {
		if err := sleep(ctx, sample); err != nil {
			return false, ignoreEnd(ctx, err)
		}
		up, down, _ := i.wire.Stats()
		if (up != sent || down != received) && i.log.isOnline() {
			return true, nil
		}
		sent, received = up, down
	}
	return false, nil
}

// publication waits until the partner has just taken a file. It tells false where he takes none.
func (i *injector) publication(ctx context.Context) bool {
	select {
	case <-i.took: // that was before
	default:
	}
	timer := time.NewTimer(trafficWithin)
	defer timer.Stop()
	select {
	case <-i.took:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// ignoreEnd returns nil where ctx has ended: the soak ends early, and a fault with it.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

// amount words a size.
func amount(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
