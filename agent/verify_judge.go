package agent

import (
	"bytes"
	"fmt"
	"io/fs"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// seen is what a server has said of a file so far.
type seen struct {
	err    error // why it could not be looked at; of kind Missing where nothing is there
	info   remote.Info
	closed bool // nobody has the right to read it

	hashed  bool // its content was looked at, with these results
	want    []byte
	sum     []byte
	hashErr error
}

// judgement is what follows from it.
type judgement struct {
	kind   control.Found // "" where the content has to be looked at
	reason string
}

// copySlack is how far the time of a copy that somebody else has made may differ and still mean the same: FAT keeps two
// seconds.
const copySlack = 2 * time.Second

// judgeSeen tells what was found of a file. taken says that partners take such files away, content that no time is
// believed.
func judgeSeen(x *state.Expected, s *seen, taken, content bool) judgement {
	if s.err != nil {
		return judgeFault(s.err, taken)
	}
	sameTime := x.HasTime(s.info.ModTime, copySlack)
	switch {
	case !s.info.Mode.IsRegular():
		return judgement{control.FoundDifferent, article(kindOf(s.info.Mode)) + " is there"}
	case s.info.Size < x.Size:
		return judgement{control.FoundTruncated, fmt.Sprintf("only %d of %d bytes are there", s.info.Size, x.Size)}
	case s.info.Size > x.Size:
		return judgement{control.FoundDifferent, fmt.Sprintf("%d bytes are there, and not %d", s.info.Size, x.Size)}
	case s.closed:
		return judgement{control.FoundUnreadable, "nobody has the right to read it"}
	case sameTime && !content:
		return judgement{kind: control.FoundOK}
	case !s.hashed:
		return judgement{}
	}
	return judgeContent(s, sameTime, taken)
}

// judgeContent judges a file of the right size.
func judgeContent(s *seen, sameTime, taken bool) judgement {
	switch {
	case s.want == nil && sameTime:
		return judgement{control.FoundUnknown, "no hash of it is known, and the local file is another by now"}
	case s.want == nil:
		return judgement{control.FoundTouched, "it has another time; no hash of it is known, so its content was not compared"}
	case s.hashErr != nil && remote.KindOf(s.hashErr) == remote.Unsupported && !sameTime:
		return judgement{control.FoundTouched, "it has another time; the server does not hash, so its content was not compared"}
	case s.hashErr != nil:
		return judgeFault(s.hashErr, taken)
	case !bytes.Equal(s.sum, s.want):
		return judgement{control.FoundDifferent, "other content of the same size is there"}
	case !sameTime:
		return judgement{control.FoundTouched, "it has another time, and the same content"}
	}
	return judgement{kind: control.FoundOK}
}

// judgeFault judges a file that the server did not show.
func judgeFault(err error, taken bool) judgement {
	switch kind := remote.KindOf(err); {
	case kind == remote.Missing && taken:
		return judgement{control.FoundTaken, "it was taken away"}
	case kind == remote.Missing:
		return judgement{control.FoundMissing, "nothing is there"}
	case kind == remote.Permission:
		return judgement{control.FoundUnreadable, err.Error()}
	}
	return judgement{control.FoundUnknown, err.Error()}
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "link"
	}
	return "other"
}

func article(kind string) string {
	if kind == "other" {
		return "something that is no file"
	}
	return "a " + kind
}
