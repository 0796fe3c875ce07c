package syncer

import (
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
)

// Standing is what stands at a final name before we publish there.
type Standing string

// What can stand there.
const (
	Free    Standing = "free"    // nothing
	Ours    Standing = "ours"    // our own earlier version, or one that we adopted: it may be replaced
	Same    Standing = "same"    // by size and time, the very file that is to be sent
	Foreign Standing = "foreign" // somebody else's, as far as size and time tell
	Unseen  Standing = "unseen"  // the server tells nothing of it, nor whether it is there
)

// mtimeSlack is how far modification times may differ and still mean the same: FAT keeps two seconds.
const mtimeSlack = 2 * time.Second

// judge tells what stands at a final name, by size and time: nil where nothing does.
func judge(final *remote.Info, before earlierVersion, local file.Fingerprint) Standing {
	last, known := before.last, before.known
	switch {
	case final == nil:
		return Free
	case !final.Mode.IsRegular():
		return Foreign
	case last != nil && final.Size == last.Size && near(final.ModTime, last.Proof.RemoteModTime, 0):
		return Ours
	case known != nil && final.Size == known.Fingerprint.Size && near(final.ModTime, known.Fingerprint.Modified(), mtimeSlack):
		return Ours
	case final.Size == local.Size && near(final.ModTime, local.Modified(), mtimeSlack):
		return Same
	}
	return Foreign
}

// near compares at the resolution of SFTP version 3, whole seconds.
func near(a, b time.Time, slack time.Duration) bool {
	return a.Truncate(time.Second).Sub(b.Truncate(time.Second)).Abs() <= slack
}
