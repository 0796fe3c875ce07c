package main

import (
	"reflect"
	"testing"
	"time"
)

// TestSchedule holds what is promised of the faults, for many seeds.
func TestSchedule(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		for _, minutes := range []int{1, 5, 6, 9, 30, 240} {
			if minutes > 10 && seed%50 > 0 { // long ones take long
				continue
			}
			lasts := time.Duration(minutes) * time.Minute
			faults := schedule(seed, lasts)
			if !reflect.DeepEqual(faults, schedule(seed, lasts)) {
				t.Fatalf("seed %d: another schedule each time", seed)
			}
			var silent time.Duration
			count := map[kind]int{}
			for i, f := range faults {
				count[f.Kind]++
				if f.At >= lasts || (i > 0 && f.At < faults[i-1].At) {
					t.Errorf("seed %d: %+v comes at a wrong time", seed, f)
				}
				switch f.Kind {
				case blackhole:
					silent += f.For
					if !f.Up && !f.Down {
						t.Errorf("seed %d: silent in no direction", seed)
					}
				case killed, stopped:
					if f.At > lasts*2/3 {
						t.Errorf("seed %d: the last agent lives from %v", seed, f.At)
					}
				case cut:
					if !f.Publication && (f.Bytes < 1<<10 || f.Bytes > 1<<24) {
						t.Errorf("seed %d: a cut after %d bytes", seed, f.Bytes)
					}
				}
			}
			if limit := min(30*time.Second, 6*time.Second*time.Duration(minutes)); silent > limit {
				t.Errorf("seed %d: %v of blackholes in %v", seed, silent, lasts)
			}
			if len(faults) < 15*minutes {
				t.Errorf("seed %d: %d faults in %v", seed, len(faults), lasts)
			}
			for _, k := range kinds {
				if minutes >= 5 && count[k] == 0 {
					t.Errorf("seed %d: no %s", seed, k)
				}
			}
		}
	}
}
