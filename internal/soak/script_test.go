package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestScript holds what the checks rely on, for many seeds.
func TestScript(t *testing.T) {
	t.Parallel()
	const lasts = 5 * time.Minute
	for seed := range uint64(30) {
		var total int64
		verbs, most := map[verb]int{}, int64(0)
		for number, p := range producers {
			steps := script(seed, number, lasts)
			if !reflect.DeepEqual(steps, script(seed, number, lasts)) {
				t.Fatalf("seed %d: another script each time", seed)
			}
			have := map[string]step{} // what a name holds
			type held struct {
				name string
				size int64
				id   int
			}
			once := map[held]bool{}
			for i, s := range steps {
				verbs[s.Do]++
				if s.At >= lasts || (i > 0 && s.At < steps[i-1].At) {
					t.Fatalf("seed %d: %+v comes at a wrong time", seed, s)
				}
				if !strings.HasPrefix(s.Name, p.Prefix+"/") || strings.HasSuffix(s.Name, ".tmp") {
					t.Fatalf("seed %d: %q is no name for %s", seed, s.Name, p.Prefix)
				}
				before, known := have[s.Name]
				switch s.Do {
				case rename:
					if _, taken := have[s.To]; !known || taken {
						t.Fatalf("seed %d: %+v", seed, s)
					}
					have[s.To] = before
					delete(have, s.Name)
					continue
				case touch:
					if !known {
						t.Fatalf("seed %d: %+v of nothing", seed, s)
					}
					continue
				case grow:
					if !known || before.Content != s.Content || before.Size != s.From || s.Size <= s.From {
						t.Fatalf("seed %d: %+v grows from %+v", seed, s, before)
					}
					total -= s.From
				case over:
					if !known || before.Content == s.Content || before.Size != s.Size {
						t.Fatalf("seed %d: %+v goes over %+v", seed, s, before)
					}
				}
				id := s.Content
				if s.Size == 0 {
					id = 0
				}
				if h := (held{s.Name, s.Size, id}); once[h] {
					t.Fatalf("seed %d: %q holds the same twice", seed, s.Name)
				} else {
					once[h] = true
				}
				if s.Size != 0 && (s.Size < leastSize || s.Size > largest) {
					t.Fatalf("seed %d: %d bytes", seed, s.Size)
				}
				have[s.Name] = s
				total += s.Size
				most = max(most, s.Size)
			}
		}
		for _, v := range []verb{drop, inPlace, grow, over, rename, touch} {
			if verbs[v] == 0 {
				t.Errorf("seed %d: nobody does %s", seed, v)
			}
		}
		if most != largest {
			t.Errorf("seed %d: the largest file has %d bytes", seed, most)
		}
		// The wire carries 9.4 GiB in that time, and faults take half of it.
		if total < 1<<30 || total > 9<<29 {
			t.Errorf("seed %d: %s in all", seed, amount(total))
		}
	}
}

// TestContentGrows writes a file in two parts, which are those of the whole.
func TestContentGrows(t *testing.T) {
	t.Parallel()
	const first, second = 1000, chunk + 5000
	c := content{seed: 7, id: 3}
	var parts, whole bytes.Buffer
	sumOfFirst, err := c.write(&parts, 0, first, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := sha256.Sum256(parts.Bytes()); hex.EncodeToString(got[:]) != sumOfFirst {
		t.Error("the sum of the first part is another's")
	}
	pauses := 0
	sum, err := c.write(&parts, first, second, func() error { pauses++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.write(&whole, 0, second, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parts.Bytes(), whole.Bytes()) || parts.Len() != second {
		t.Errorf("%d bytes, which are not the whole", parts.Len())
	}
	if got := sha256.Sum256(parts.Bytes()); hex.EncodeToString(got[:]) != sum {
		t.Error("the sum of the whole is another's")
	}
	if pauses != 1 {
		t.Errorf("%d pauses between two chunks", pauses)
	}
}

// TestContentIsUnique compares the shortest versions.
func TestContentIsUnique(t *testing.T) {
	t.Parallel()
	sums := map[string]bool{}
	for seed := range uint64(3) {
		for id := range 100 {
			sum, err := content{seed, id * 20_000}.write(&bytes.Buffer{}, 0, leastSize, nil)
			if err != nil || sums[sum] {
				t.Fatal("the same content again", err)
			}
			sums[sum] = true
		}
	}
}
