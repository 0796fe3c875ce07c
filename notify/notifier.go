package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Sender brings a message to its receiver. An error means that it may not have arrived; it is sent again then.
type Sender interface {
	Send(ctx context.Context, m *Message) error
}

// Memory keeps what is open from one start to the next.
type Memory interface {
	Meta(ctx context.Context, key string) (string, error)
	SetMeta(ctx context.Context, key, value string) error
}

// Receiver is somebody who is told.
type Receiver struct {
	Name     string // in the log, and of what is remembered
	On       []Event
	Repeat   time.Duration // after which an open trouble is told again; 0 is never
	Interval time.Duration // between two messages, at least; what comes meanwhile goes together
	Timeout  time.Duration // of one attempt
	Sender   Sender
}

// Options are what a Notifier is made of.
type Options struct {
	Agent     string // its name, for messages
	Receivers []Receiver
	Memory    Memory
	Log       *slog.Logger
}

// Notifier tells receivers. Raise and Clear may be called by any goroutine at any time, and never wait for a receiver.
type Notifier struct {
	agent   string
	memory  Memory
	log     *slog.Logger
	closing chan struct{}
	close   func()
	posts   []*post
}

// post is one receiver with its desk.
type post struct {
	Receiver
	wake chan struct{}

	mu    sync.Mutex
	desk  desk
	pace  pace
	dirty bool      // the memory has not got it yet
	saved time.Time // when it got it last
}

// saveEvery is how often a desk is written down while it changes.
const saveEvery = 5 * time.Second

// New returns a Notifier that knows what an earlier one has left open. Nothing is sent before Run.
func New(ctx context.Context, o Options) (*Notifier, error) {
	n := &Notifier{agent: o.Agent, memory: o.Memory, log: o.Log, closing: make(chan struct{})}
	n.close = sync.OnceFunc(func() { close(n.closing) })
	for _, r := range o.Receivers {
		p := &post{Receiver: r, wake: make(chan struct{}, 1), pace: pace{interval: r.Interval}}
		text, err := o.Memory.Meta(ctx, memoryKey(r.Name))
		if err != nil {
			return nil, err
		}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &p.desk); err != nil { // of another version: nothing is lost but words
				p.desk = desk{}
			}
		}
		p.desk.on, p.desk.repeat = r.On, r.Repeat
		if p.desk.Open == nil {
			p.desk.Open = map[string]*trouble{}
		}
		if p.desk.has() {
			p.pace.asked = time.Now()
			p.poke()
		}
		n.posts = append(n.posts, p)
	}
	return n, nil
}

func memoryKey(receiver string) string { return "notify " + receiver }

// Raise tells of a trouble, or of what has no end. It returns at once.
func (n *Notifier) Raise(a Alert) {
	for _, p := range n.posts {
		p.tell(func(d *desk, now time.Time) bool { return d.raise(a, now) })
	}
}

// Clear tells that the trouble of that key is over, for Text of end. Where none is open nothing happens.
func (n *Notifier) Clear(key string, end Alert) {
	for _, p := range n.posts {
		p.tell(func(d *desk, _ time.Time) bool { return d.clear(key, end) })
	}
}

// Open returns the keys of what some receiver has been, or is about to be, told of and that is not over.
func (n *Notifier) Open() []string {
	keys := map[string]bool{}
	for _, p := range n.posts {
		p.mu.Lock()
		for key := range p.desk.Open {
			keys[key] = true
		}
		p.mu.Unlock()
	}
	return slices.Sorted(maps.Keys(keys))
}

func (p *post) tell(say func(d *desk, now time.Time) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waited := p.desk.has()
	now := time.Now()
	if !say(&p.desk, now) {
		return
	}
	p.dirty = true
	if !waited {
		p.pace.asked = now
	}
	p.poke()
}

func (p *post) poke() {
	select {
	case p.wake <- struct{}{}:
	default: // it is told already
	}
}

// Run sends until ctx ends, or Close is called and what waits was tried once more. What is left then is remembered.
func (n *Notifier) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, p := range n.posts {
		all.Go(func() { n.run(ctx, p) })
	}
	all.Wait()
}

// Close makes Run try once more what waits, without the usual waits, and end.
func (n *Notifier) Close() { n.close() }

func (n *Notifier) run(ctx context.Context, p *post) {
	defer func() { n.save(context.WithoutCancel(ctx), p) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait, waits := p.next(); waits {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case <-n.closing:
			for p.waits() && n.attempt(ctx, p) {
				continue // several messages may be left
			}
			return
		case <-p.wake:
		case <-timer.C:
			if p.isDue() {
				n.attempt(ctx, p)
			}
			if p.isUnsaved() {
				n.save(ctx, p)
			}
		}
	}
}

func (p *post) waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.desk.has()
}

// next returns how long to wait with what is to be sent or written down, if there is something.
func (p *post) next() (wait time.Duration, waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.desk.has() {
		wait, waits = max(0, time.Until(p.pace.due())), true
	}
	if save := max(0, time.Until(p.saved.Add(saveEvery))); p.dirty && (!waits || save < wait) {
		wait, waits = save, true
	}
	return wait, waits
}

func (p *post) isDue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.desk.has() && !time.Now().Before(p.pace.due())
}

func (p *post) isUnsaved() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dirty && !time.Now().Before(p.saved.Add(saveEvery))
}

// attempt sends one message, and tells whether it has arrived.
func (n *Notifier) attempt(ctx context.Context, p *post) bool {
	p.mu.Lock()
	m := Message{Version: 1, Agent: n.agent, SentAt: time.Now().UTC()}
	m.Alerts, m.Omitted = p.desk.take()
	p.mu.Unlock()
	if len(m.Alerts)+m.Omitted == 0 {
		return true
	}
	sending, cancel := context.WithTimeout(ctx, p.Timeout)
	err := p.Sender.Send(sending, &m)
	cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.dirty = true
	if _, partly := errors.AsType[*partlyError](err); partly {
		n.log.WarnContext(ctx, "an alert has not reached all whom it was for", "receiver", p.Name, "error", err)
		err = nil
	}
	if err != nil {
		p.desk.failed()
		p.pace.failed(now, err)
		n.tellFailure(ctx, p, err)
		return false
	}
	if p.pace.failures > 0 {
		n.log.Info("alerts reach their receiver again", "receiver", p.Name)
	}
	p.desk.sent(now)
	p.pace.sent(now)
	p.pace.asked = now
	return true
}

// tellFailure logs the first of several failures in a row, and a further one a day.
func (n *Notifier) tellFailure(ctx context.Context, p *post, err error) {
	level := slog.LevelDebug
	if p.pace.failures == 1 || p.pace.failures%int(24*time.Hour/longestRetry) == 0 {
		level = slog.LevelWarn
	}
	n.log.Log(ctx, level, "an alert could not be sent; it is tried again", "receiver", p.Name, "error", err,
		"failures", p.pace.failures, "waiting", len(p.desk.Queue), "next_attempt", p.pace.again.UTC().Format(time.RFC3339))
}

// save has the memory keep what is open and what waits.
func (n *Notifier) save(ctx context.Context, p *post) {
	p.mu.Lock()
	if !p.dirty {
		p.mu.Unlock()
		return
	}
	p.dirty, p.saved = false, time.Now()
	text, err := json.Marshal(&p.desk)
	p.mu.Unlock()
	if err == nil {
		err = n.memory.SetMeta(ctx, memoryKey(p.Name), string(text))
	}
	if err != nil && ctx.Err() == nil {
		n.log.Debug("what a receiver was told could not be written down", "receiver", p.Name, "error", err)
	}
}
