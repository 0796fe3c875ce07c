package syncer

import (
	"testing"
	"time"
)

func TestPulse(t *testing.T) {
	var p pulse
	if d := p.step(time.Now()); d != 0 {
		t.Errorf("before it begins: %v", d)
	}
	p.work()
	if d := p.step(time.Now().Add(time.Minute)); d < time.Minute || d > 2*time.Minute {
		t.Errorf("a step of a minute: %v", d)
	}
	if d := p.step(time.Now().Add(-time.Minute)); d != 0 {
		t.Errorf("a clock that was put back: %v", d)
	}
	work := p.rest()
	if d := p.step(time.Now().Add(time.Minute)); d != 0 {
		t.Errorf("at rest: %v", d)
	}
	work()
	if d := p.step(time.Now().Add(time.Minute)); d < time.Minute {
		t.Errorf("at work again: %v", d)
	}
}
