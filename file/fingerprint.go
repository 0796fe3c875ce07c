package file

import (
	"os"
	"time"
)

// Fingerprint identifies one version of a local file without reading it. Two fingerprints of one path that are the Same mean
// the same bytes, save for racy ones: see Racy.
type Fingerprint struct {
	Size       int64  // bytes
	ModTime    int64  // nanoseconds since 1970
	ChangeTime int64  // nanoseconds since 1970; 0 where the system does not tell
	Dev        uint64 // 0 where the system does not tell; the number may be another after a restart of the system: see Same
	Inode      uint64 // inode, or file index on Windows; 0 where the system does not tell
}

// raceWindow is how close a change may lie to the moment of looking before a later change could hide behind the same
// time stamps. Two seconds is the coarsest clock among common file systems (FAT).
const raceWindow = 2 * time.Second

// skew bounds by how much the clock of a file server may be ahead. A change time that is further ahead is of before the clock
// was set back: a later change gets an earlier one, and does not hide behind it.
const skew = time.Hour

// Racy tells whether a file whose stat was taken at seen may change again without changing its fingerprint. The
// content of such a file is compared by hash before it is believed to be unchanged. A modification time that is to come was set by
// somebody, and says nothing where the change time tells when; one of a moment ago counts, since some file systems have the time
// of the creation for the change time.
func (f Fingerprint) Racy(seen time.Time) bool {
	limit, now := seen.Add(-raceWindow).UnixNano(), seen.UnixNano()
	return f.ChangeTime > limit && f.ChangeTime <= now+int64(skew) ||
		f.ModTime > limit && (f.ChangeTime == 0 || f.ModTime <= now)
}

// Same tells whether other is the same version. The number of the file system does not count: btrfs, NFS, overlays and
// logical volumes may have another one after the machine was started anew, or a share was mounted again. To compare what was
// seen a moment ago, == will do.
func (f Fingerprint) Same(other Fingerprint) bool {
	f.Dev = other.Dev
	return f == other
}

// SameFile tells whether other is the same version after a rename, which may set the change time and nothing else.
func (f Fingerprint) SameFile(other Fingerprint) bool {
	f.ChangeTime = other.ChangeTime
	return f.Same(other)
}

// Modified returns ModTime as a time in UTC.
func (f Fingerprint) Modified() time.Time { return time.Unix(0, f.ModTime).UTC() }

// LastChange is the later of the modification and change times, for who has looked at seen. A modification time that is to come
// was set by somebody; it does not count where the change time tells when.
func (f Fingerprint) LastChange(seen time.Time) time.Time {
	if f.ChangeTime != 0 && f.ModTime > seen.UnixNano() {
		return time.Unix(0, f.ChangeTime)
	}
	return time.Unix(0, max(f.ModTime, f.ChangeTime))
}

// Lstat returns the fingerprint and type of the file at name, an operating system's path; a symbolic link is not
// followed.
func Lstat(name string) (Fingerprint, os.FileMode, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return Fingerprint{}, 0, err
	}
	f, err := fingerprint(name, info)
	return f, info.Mode(), err
}

// OfHandle returns the fingerprint of an open file. It is taken from the handle, so it speaks of the bytes that a
// reader of f gets, whatever has happened to the name meanwhile.
func OfHandle(f *os.File) (Fingerprint, error) {
	info, err := f.Stat()
	if err != nil {
		return Fingerprint{}, err
	}
	return handleFingerprint(f, info)
}
