package syncer

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Options are what a Syncer is made of.
type Options struct {
	Store        Store
	Folders      []*Folder
	Destinations []Destination
	// Gone tells whether a folder that is not among Folders has left the configuration for good: what was planned for
	// it is dropped then, and what may be published already is brought to its end. Intents of any other folder that is
	// not among Folders are left alone; so are all where it is nil.
	Gone         func(folder string) bool
	MaxTransfers int           // files under way at once, all destinations; 0 is as many as the round trip asks for
	Grace        time.Duration // for deliveries under way when the syncer is stopped
	Observe      Observer      // nil hears nothing
	Now          func() time.Time
}

// Syncer runs the links and gives each folder its planner.
type Syncer struct {
	options Options                // those that no reload changes
	common  atomic.Pointer[common] // the others
	clock   *steady
	full    *disk
	putAway turns // sources are put away one at a time: two destinations may end a version at once
	once    atomic.Bool

	mu       sync.RWMutex // of what follows
	links    map[string]*link
	planners map[string]*Planner
	running  *running // nil where nothing runs
}

// New wires a syncer; nothing runs yet.
func New(o Options) *Syncer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	s := &Syncer{
		options: o, clock: newSteady(o.Now), full: &disk{observe: o.Observe, now: o.Now},
		links: map[string]*link{}, planners: map[string]*Planner{},
	}
	s.common.Store(commonOf(&o, nil))
	for _, f := range o.Folders {
		s.planners[f.Name] = s.newPlanner(f)
	}
	for _, d := range o.Destinations {
		s.links[d.Name] = s.newLink(d)
	}
	return s
}

func (s *Syncer) newPlanner(f *Folder) *Planner {
	return &Planner{
		store: s.options.Store, folder: f, poke: s.poke, takeAway: s.takeAway, ended: s.released, observe: s.options.Observe,
		now: s.options.Now, unwatched: s.once.Load, deferred: map[string]map[file.Path]watcher.Entry{},
	}
}

func (s *Syncer) newLink(d Destination) *link {
	return &link{
		name: d.Name, dial: d.Dial, account: d.Account, trust: d.Trust, secrets: d.Secrets, neverProbe: d.NeverProbe,
		gate: gate{schedule: d.Schedule}, transfers: d.Transfers, maxAge: d.MaxAge,
		store: s.options.Store, common: s.common.Load,
		ended: s.deliveryEnded, released: s.released, planner: s.Planner, observe: s.options.Observe,
		now: s.options.Now, clock: s.clock.now, disk: s.full, random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		wake: make(chan struct{}, 1), freed: make(chan struct{}, 1),
		skip: map[string]bool{}, troubles: map[string]*trouble{}, moving: map[string]*Transfer{},
		status: LinkStatus{State: LinkIdle},
	}
}

// Planner returns the sink for a folder's watcher.
func (s *Syncer) Planner(folder string) *Planner {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.planners[folder]
}

func (s *Syncer) link(destination string) *link {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.links[destination]
}

// Run works on all destinations until ctx ends, and returns when every delivery has ended.
func (s *Syncer) Run(ctx context.Context) error {
	return s.runLinks(ctx, nil)
}

// Once works until nothing is left that can be done: planned is closed when no more is going to be planned. Nobody watches
// the folders meanwhile, so that hints are of no use: what has changed since it was planned stays open, as not sent.
func (s *Syncer) Once(ctx context.Context, planned <-chan struct{}) error {
	s.once.Store(true)
	return s.runLinks(ctx, planned)
}

func (s *Syncer) runLinks(ctx context.Context, planned <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &running{ctx: ctx, cancel: cancel}
	s.mu.Lock()
	s.running = r
	for _, l := range s.links {
		l.once, l.planned = s.once.Load(), planned
		r.start(l)
	}
	s.mu.Unlock()
	if !s.once.Load() {
		<-ctx.Done()
	}
	return r.wait()
}

// Status returns the state of every link, in no order.
func (s *Syncer) Status() []LinkStatus {
	s.mu.RLock()
	defer s.mu.RUnlock()
	statuses := make([]LinkStatus, 0, len(s.links))
	for _, l := range s.links {
		statuses = append(statuses, l.snapshot())
	}
	return statuses
}

func (s *Syncer) poke(destination string) {
	if l := s.link(destination); l != nil {
		l.poke()
	}
}

// released sees to the files that wait for an intent's end.
func (s *Syncer) released(ctx context.Context, id string) {
	s.mu.RLock()
	planners := slices.Collect(maps.Values(s.planners))
	s.mu.RUnlock()
	for _, p := range planners {
		p.released(ctx, id)
	}
}

// deliveryEnded puts the source away when it was the version's last delivery.
func (s *Syncer) deliveryEnded(ctx context.Context, intent *state.Intent) {
	s.released(ctx, intent.ID)
	if p := s.Planner(intent.Folder); p != nil && p.folder.endsStory() {
		s.takeAway(ctx, p.folder, intent.Version)
		if intent.Phase == state.Planned {
			s.takeAwayEarlier(ctx, p.folder, intent)
		}
	}
}

// takeAwayEarlier puts away the source of a version whose turn had to wait: what came after it turned out to be the same.
func (s *Syncer) takeAwayEarlier(ctx context.Context, folder *Folder, intent *state.Intent) {
	record, err := s.options.Store.Lookup(ctx, intent.Folder, intent.Path)
	if err != nil {
		return // the next scan comes to it
	}
	for _, i := range record.Intents {
		if i.Phase == state.Delivered && i.Version != intent.Version {
			s.takeAway(ctx, folder, i.Version)
		}
	}
}

// takeAway puts a source away; a failure is told and tried again at the next scan.
func (s *Syncer) takeAway(ctx context.Context, folder *Folder, version string) {
	defer s.putAway.wait(version)()
	takeAway(ctx, s.options.Store, folder, version, s.options.Now, s.options.Observe)
}

// turns lets one at a time work on a version.
type turns struct {
	mu    sync.Mutex
	taken map[string]*turn
}

type turn struct {
	sync.Mutex
	users int
}

// wait waits for the turn and returns what ends it.
func (t *turns) wait(version string) (end func()) {
	t.mu.Lock()
	if t.taken == nil {
		t.taken = map[string]*turn{}
	}
	mine := t.taken[version]
	if mine == nil {
		mine = &turn{}
		t.taken[version] = mine
	}
	mine.users++
	t.mu.Unlock()
	mine.Lock()
	return func() {
		mine.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(t.taken, version)
		}
	}
}
