package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// fairnessGoal is how long a small file may take beside a large one that fills the line.
const fairnessGoal = 2 * time.Second

const fairnessRate = 4 << 20 // bytes per second

// fairness is the part that drops small files during the upload of a large one, which takes all of the bandwidth that its
// destination is given.
func (s *stage) fairness(ctx context.Context) (made section, err error) {
	b, err := s.bed("fairness", network{})
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	b.destination = []string{bandwidthLine(fairnessRate)}
	if ok, err := b.understood(ctx); !ok || err != nil {
		return section{text: noBandwidth}, err
	}
	smalls := s.scaled(12, 2)
	long := time.Duration(smalls+3) * time.Second
	a, drop, err := b.start(ctx, 3*long+time.Minute)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	if err := dropLarge(b.scratch, drop, int(long.Seconds()*fairnessRate)); err != nil {
		return made, err
	}
	began := time.Now()
	if err := rest(ctx, time.Second); err != nil {
		return made, err
	}
	var seen latencies
	for i := range smalls {
		next := began.Add(time.Duration(i+1) * time.Second)
		if err := rest(ctx, time.Until(next)); err != nil {
			return made, err
		}
		d, err := a.drop(ctx, drop, fmt.Sprint("small-", i), make([]byte, 4<<10), long)
		if errors.Is(err, errNotThere) {
			d, err = long, nil
		}
		if err != nil {
			return made, err
		}
		seen = append(seen, d)
	}
	_, early := os.Lstat(a.at(drop, largeName))
	took, err := a.see(ctx, began, 2*long, a.at(drop, largeName))
	if err != nil {
		return made, fmt.Errorf("the large file: %w", err)
	}
	t := newLatencyTable()
	t.add("a file of 4 KiB during the upload", seen, fairnessGoal)
	notes := []string{
		fmt.Sprintf("`bandwidth = %q` at the destination, and a file that takes %s at that rate. Each second a file of 4 KiB is dropped.",
			rateText(fairnessRate), formatDuration(long)),
		fmt.Sprintf("The large file was there after %s s.", formatNumber(took.Seconds())),
	}
	if early == nil {
		notes = append(notes, "It was there before the last small one: the figures say little.")
	}
	made.text = t.t.String() + "\n" + bullets(notes)
	return made, nil
}

const largeName = "large"

// dropLarge renames a file of random bytes into a folder.
func dropLarge(dir, drop string, size int) error {
	name := filepath.Join(dir, largeName)
	content := make([]byte, size)
	_, _ = rand.Read(content) // it never fails
	if err := os.WriteFile(name, content, 0o600); err != nil {
		return err
	}
	return os.Rename(name, filepath.Join(drop, largeName))
}
