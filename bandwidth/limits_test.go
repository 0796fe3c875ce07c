package bandwidth

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// transfers is a set of transfers at work, each of which always has bytes to pass.
type transfers struct {
	ctx    context.Context
	cancel context.CancelFunc
	all    sync.WaitGroup
}

func begin(t *testing.T) *transfers {
	ctx, cancel := context.WithCancel(t.Context())
	return &transfers{ctx: ctx, cancel: cancel}
}

// run lets a transfer pass packets until the end, and counts their bytes.
func (r *transfers) run(l *Limit, packet int) *counter {
	c := &counter{}
	r.all.Go(func() {
		for l.Wait(r.ctx, packet) == nil {
			c.add(packet)
		}
	})
	return c
}

func (r *transfers) end() {
	r.cancel()
	r.all.Wait()
}

type counter struct {
	mu sync.Mutex
	n  int64
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += int64(n)
}

func (c *counter) bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func sum(counters ...*counter) (total int64) {
	for _, c := range counters {
		total += c.bytes()
	}
	return total
}

// within fails unless got is want, give or take a part of it.
func within(t *testing.T, what string, got, want int64, part float64) {
	t.Helper()
	if math.Abs(float64(got-want)) > part*float64(want) {
		t.Errorf("%s: %d bytes, want %d within %.0f %%", what, got, want, 100*part)
	}
}

func TestRatesHoldOverTenSeconds(t *testing.T) {
	const packet = 32 << 10
	for name, test := range map[string]struct {
		rates        Rates
		acme, backup int64 // bytes in a second
	}{
		"one of two destinations":          {Rates{Each: map[string]int64{"acme": 2 << 20}}, 2 << 20, 0},
		"each its own":                     {Rates{Each: map[string]int64{"acme": 2 << 20, "backup": 96 << 10}}, 2 << 20, 96 << 10},
		"all together":                     {Rates{Total: 1 << 20}, 512 << 10, 512 << 10},
		"what one leaves is the other's":   {Rates{Total: 1 << 20, Each: map[string]int64{"acme": 128 << 10}}, 128 << 10, 896 << 10},
		"all together less than each":      {Rates{Total: 256 << 10, Each: map[string]int64{"acme": 1 << 20, "backup": 1 << 20}}, 128 << 10, 128 << 10},
		"all together more than both":      {Rates{Total: 8 << 20, Each: map[string]int64{"acme": 1 << 20, "backup": 2 << 20}}, 1 << 20, 2 << 20},
		"slower than a packet in a second": {Rates{Each: map[string]int64{"acme": 16 << 10, "backup": 4 << 10}}, 16 << 10, 4 << 10},
		"very slow":                        {Rates{Total: 2 << 10}, 1 << 10, 1 << 10},
		"fast":                             {Rates{Total: 200 << 20}, 200 << 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New()
				l.Set(test.rates)
				r := begin(t)
				defer r.end()
				size := packet
				if l.Limit("acme").Rate() < packet {
					size = leastPortion
				}
				var acme, backup []*counter
				for range 3 {
					acme = append(acme, r.run(l.Limit("acme"), size))
				}
				if test.backup > 0 {
					backup = append(backup, r.run(l.Limit("backup"), size))
				}
				for range 3 {
					wasAcme, wasBackup := sum(acme...), sum(backup...)
					time.Sleep(10 * time.Second)
					within(t, "acme", sum(acme...)-wasAcme, 10*test.acme, 0.05)
					if test.backup > 0 {
						within(t, "backup", sum(backup...)-wasBackup, 10*test.backup, 0.05)
					}
				}
			})
		})
	}
}

func TestNoLimitWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		limit := l.Limit("acme")
		if limit.Rate() != 0 {
			t.Errorf("a rate of %d", limit.Rate())
		}
		began := time.Now()
		for range 1000 {
			if err := limit.Wait(t.Context(), 1<<30); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestTransfersShareAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		l.Set(Rates{Each: map[string]int64{"acme": 1 << 20}})
		r := begin(t)
		defer r.end()
		var counters []*counter
		for _, packet := range []int{255 << 10, 255 << 10, 128 << 10, 64 << 10} {
			counters = append(counters, r.run(l.Limit("acme"), packet))
		}
		time.Sleep(time.Minute)
		for _, c := range counters {
			within(t, "a transfer", c.bytes(), 60*(1<<20)/4, 0.05)
		}
	})
}

// passes returns how long n bytes wait.
func passes(t *testing.T, l *Limit, n int) time.Duration {
	t.Helper()
	began := time.Now()
	if err := l.Wait(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

func TestFewBytesDoNotWaitBehindMany(t *testing.T) {
	const few = 4 << 10
	for name, test := range map[string]struct {
		rates  Rates
		others int // large transfers at the same destination, and as many at another
		most   time.Duration
	}{
		"fast":                    {Rates{Each: map[string]int64{"acme": 20 << 20}}, 64, 250 * time.Millisecond},
		"slow":                    {Rates{Each: map[string]int64{"acme": 256 << 10}}, 8, 500 * time.Millisecond},
		"very slow":               {Rates{Each: map[string]int64{"acme": 64 << 10}}, 8, time.Second},
		"all together":            {Rates{Total: 256 << 10}, 16, time.Second},
		"beside one that is fast": {Rates{Each: map[string]int64{"acme": 64 << 10, "backup": 100 << 20}}, 8, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New()
				l.Set(test.rates)
				r := begin(t)
				defer r.end()
				for range test.others {
					r.run(l.Limit("acme"), 255<<10)
					if l.Limit("backup").Rate() > 0 {
						r.run(l.Limit("backup"), 255<<10)
					}
				}
				for range 20 {
					time.Sleep(3 * time.Second)
					if took := passes(t, l.Limit("acme"), few); took > test.most {
						t.Errorf("%d bytes have waited for %v", few, took)
					}
				}
			})
		})
	}
}

// They may have two shares at most where others have one.
func TestFewBytesDoNotStarveMany(t *testing.T) {
	for _, few := range []int{100, 1 << 10, 4 << 10, 16 << 10} {
		synctest.Test(t, func(t *testing.T) {
			l := New()
			l.Set(Rates{Total: 1 << 20})
			r := begin(t)
			defer r.end()
			var large, small []*counter
			for range 3 {
				large = append(large, r.run(l.Limit("acme"), 255<<10))
			}
			small = append(small, r.run(l.Limit("acme"), few))
			time.Sleep(time.Minute)
			if got, least := sum(large...), int64(60<<20)*3/5; got < least*95/100 {
				t.Errorf("three large ones beside one with %d bytes at a time have passed %d bytes, want %d", few, got, least)
			}
			within(t, "all", sum(large...)+sum(small...), 60<<20, 0.01)
		})
	}
}

func TestDestinationsShareAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		l.Set(Rates{Total: 1 << 20})
		r := begin(t)
		defer r.end()
		one := r.run(l.Limit("acme"), 64<<10)
		many := make([]*counter, 7)
		for i := range many {
			many[i] = r.run(l.Limit("backup"), 64<<10)
		}
		time.Sleep(time.Minute)
		within(t, "the one of acme", one.bytes(), 30<<20, 0.05)
		within(t, "those of backup", sum(many...), 30<<20, 0.05)
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		l.Set(Rates{Each: map[string]int64{"acme": 1 << 10}})
		limit := l.Limit("acme")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if err := limit.Wait(ctx, 1<<20); !errors.Is(err, context.Canceled) {
			t.Errorf("it ended in %v", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it ended after %v", took)
		}
		if err := limit.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context: %v", err)
		}
		if len(l.waiting) > 0 || len(limit.queue) > 0 {
			t.Error("something is waited for still")
		}
		// Nobody's place is taken by who has left.
		if took := passes(t, limit, 1<<10); took > 1500*time.Millisecond {
			t.Errorf("the next has waited for %v", took)
		}
	})
}

func TestSetHoldsForThoseWhoWait(t *testing.T) {
	const packet = 32 << 10
	synctest.Test(t, func(t *testing.T) {
		l := New()
		l.Set(Rates{Total: 64 << 10})
		r := begin(t)
		defer r.end()
		acme, backup := r.run(l.Limit("acme"), packet), r.run(l.Limit("backup"), packet)
		for name, test := range map[string]struct {
			rates Rates
			want  int64
		}{
			"higher":               {Rates{Total: 1 << 20}, 1 << 20},
			"lower again":          {Rates{Total: 128 << 10}, 128 << 10},
			"another kind":         {Rates{Each: map[string]int64{"acme": 256 << 10, "backup": 256 << 10}}, 512 << 10},
			"one of them is named": {Rates{Total: 512 << 10, Each: map[string]int64{"backup": 64 << 10}}, 512 << 10},
		} {
			l.Set(test.rates)
			was := sum(acme, backup)
			time.Sleep(10 * time.Second)
			within(t, name, sum(acme, backup)-was, 10*test.want, 0.1)
		}
	})
}

func TestSetLetsPassWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New()
		l.Set(Rates{Total: 1 << 10, Each: map[string]int64{"acme": 2 << 10}})
		time.AfterFunc(time.Second, func() { l.Set(Rates{}) })
		if took := passes(t, l.Limit("acme"), 1<<30); took != time.Second {
			t.Errorf("it has waited for %v", took)
		}
	})
}

func TestRateIsTheLowerOne(t *testing.T) {
	l := New()
	early := l.Limit("acme")
	l.Set(Rates{Total: 3 << 20, Each: map[string]int64{"acme": 2 << 20, "backup": 5 << 20}})
	for name, want := range map[string]int64{"acme": 2 << 20, "backup": 3 << 20, "another": 3 << 20} {
		if got := l.Limit(name).Rate(); got != want {
			t.Errorf("%s: a rate of %d, want %d", name, got, want)
		}
	}
	if early != l.Limit("acme") {
		t.Error("one destination has two limits")
	}
}
