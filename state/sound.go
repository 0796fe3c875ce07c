package state

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"
)

// To read through the whole database at each start takes seconds where it is large. A store that was closed in order, and whose
// file has not been touched since, is sound as far as the last reading says, if that is not long ago.

// examineEvery is for how long a reading of the whole database counts.
const examineEvery = 24 * time.Hour

// soundness is what a store leaves beside its database when it closes.
type soundness struct {
	Size     int64     `json:"size"`     // of the database
	ModTime  time.Time `json:"mtime"`    // of the database
	Examined time.Time `json:"examined"` // when all of it was read last
}

func soundnessOf(database string) string { return database + ".sound" }

// takeSoundness returns when the whole database was read last, if nobody has written to it since it was closed in order; else zero.
// What it rests on is removed: whoever opens the database may write to it.
func takeSoundness(database string, now time.Time) time.Time {
	name := soundnessOf(database)
	text, err := os.ReadFile(name)
	if err != nil || os.Remove(name) != nil {
		return time.Time{}
	}
	var s soundness
	if json.Unmarshal(text, &s) != nil || s.Examined.After(now) || now.Sub(s.Examined) >= examineEvery {
		return time.Time{}
	}
	if is, ok := closedState(database); !ok || is.Size != s.Size || !is.ModTime.Equal(s.ModTime) {
		return time.Time{}
	}
	return s.Examined
}

// leaveSoundness says of a database that was closed in order when all of it was read last. It is a help and no promise: where it
// cannot be written the next start takes longer.
func leaveSoundness(database string, examined time.Time) {
	s, ok := closedState(database)
	if !ok || examined.IsZero() {
		return
	}
	s.Examined = examined
	text, err := json.Marshal(s)
	if err != nil {
		return
	}
	name := soundnessOf(database)
	f, err := createPrivate(name)
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if errors.Join(err, f.Close()) != nil {
		_ = os.Remove(name) // half of it says nothing either
	}
}

// closedState looks at a database whose log is empty; ok is false of any other.
func closedState(database string) (s soundness, ok bool) {
	if log, err := os.Stat(database + "-wal"); err == nil && log.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, false
	}
	info, err := os.Stat(database)
	if err != nil {
		return s, false
	}
	return soundness{Size: info.Size(), ModTime: info.ModTime()}, true
}
