// Package samples keeps how much has waited: minute by minute for a day and hour by hour for thirty, in a file of one size.
// It is for charts. What cannot be read is left out, what cannot be written is lost with the process, and neither matters to
// what is delivered: that is why it has no place in the store, whose every change goes to the disk before anything else.
package samples

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Sample is how much waited at a moment, or the most that did in its hour.
type Sample struct {
	At     time.Time // whole seconds, UTC
	Queued int       // files that were ready and not published
	Aside  int       // files that waited for a person
}

// How many samples are kept of each kind, and how far apart.
const (
	minutes = 24 * 60
	hours   = 30 * 24
)

// The file: a line that says what it is, then a place for each minute of a day and each hour of thirty, whose number follows
// from the time. A place holds seconds since 1970, two counts, and a CRC-32 of those.
const (
	header = "dropferry samples 1\n"
	place  = 8 + 4 + 4 + 4
)

// Keeper keeps samples. Its methods may be called at the same time.
type Keeper struct {
	name string

	mu      sync.Mutex
	minutes [minutes]Sample
	hours   [hours]Sample
}

// Open reads what an earlier Keeper has noted in the file of that name, which need not exist. What cannot be read is an
// error beside a Keeper that works all the same.
func Open(name string) (*Keeper, error) {
	k := &Keeper{name: name}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, fmt.Errorf("read samples: %w", err)
	}
	if len(text) < len(header) || string(text[:len(header)]) != header {
		return k, nil // of another version, or never written whole: it is written anew
	}
	text = text[len(header):]
	for i := 0; i < minutes+hours && len(text) >= place; i++ {
		if s, ok := decode(text[:place]); ok {
			*k.at(i) = s
		}
		text = text[place:]
	}
	return k, nil
}

// at returns the sample of a place in the file.
func (k *Keeper) at(i int) *Sample {
	if i < minutes {
		return &k.minutes[i]
	}
	return &k.hours[i-minutes]
}

// Note keeps a sample, in place of one of the same minute, and raises that of its hour to it. An error is of the file; the
// sample is kept in memory all the same.
func (k *Keeper) Note(s Sample) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.At = s.At.UTC().Truncate(time.Second)
	minute, hour := int(s.At.Unix()/60%minutes), minutes+int(s.At.Unix()/3600%hours)
	*k.at(minute) = s
	most := k.at(hour)
	if begin := s.At.Truncate(time.Hour); most.At.Equal(begin) {
		most.Queued, most.Aside = max(most.Queued, s.Queued), max(most.Aside, s.Aside)
	} else {
		*most = Sample{begin, s.Queued, s.Aside}
	}
	return k.write(minute, hour)
}

// write writes some places, or all where the file is not what it should be. Nothing waits for the disk.
func (k *Keeper) write(places ...int) (err error) {
	f, err := os.OpenFile(k.name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("write samples: %w", err)
		}
	}()
	have := make([]byte, len(header))
	if _, err := io.ReadFull(f, have); err != nil || string(have) != header {
		return k.writeAll(f)
	}
	for _, i := range places {
		if _, err := f.WriteAt(encode(*k.at(i)), int64(len(header)+i*place)); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) writeAll(f *os.File) error {
	all := []byte(header)
	for i := range minutes + hours {
		all = append(all, encode(*k.at(i))...)
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(all, 0)
	return err
}

func encode(s Sample) []byte {
	if s.At.IsZero() {
		return make([]byte, place)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(s.At.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Queued))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Aside))
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// decode returns false where there is no sample, or half of one.
func decode(b []byte) (Sample, bool) {
	if binary.BigEndian.Uint32(b[16:]) != crc32.ChecksumIEEE(b[:16]) {
		return Sample{}, false
	}
	return Sample{
		At:     time.Unix(int64(binary.BigEndian.Uint64(b)), 0).UTC(),
		Queued: int(binary.BigEndian.Uint32(b[8:])), Aside: int(binary.BigEndian.Uint32(b[12:])),
	}, true
}

// Minutes returns the samples of the day before now, in no order.
func (k *Keeper) Minutes(now time.Time) []Sample {
	k.mu.Lock()
	defer k.mu.Unlock()
	return within(k.minutes[:], now, minutes*time.Minute)
}

// Hours returns the most that waited in each hour of the thirty days before now, in no order, each at the beginning of its hour.
func (k *Keeper) Hours(now time.Time) []Sample {
	k.mu.Lock()
	defer k.mu.Unlock()
	return within(k.hours[:], now, hours*time.Hour)
}

// within returns the samples of a span before now; others are of an earlier round, or of a clock that was wrong.
func within(all []Sample, now time.Time, span time.Duration) (found []Sample) {
	for _, s := range all {
		if !s.At.IsZero() && s.At.After(now.Add(-span)) && !s.At.After(now) {
			found = append(found, s)
		}
	}
	return found
}
