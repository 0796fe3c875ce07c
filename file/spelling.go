package file

import "os"

// Spelling tells whether names are those that directories hold. A local file system may take several names for one: then a.txt
// is found where there is A.txt by now. It is for one goroutine.
type Spelling struct {
	lstat func(name string) (os.FileInfo, error)
	names func(dir string) ([]string, error)

	dir  string // whose names were read last
	held map[string]bool
}

// NewSpelling returns one that knows of nothing yet. It is for a short time: it may remember what a directory holds.
func NewSpelling() *Spelling { return &Spelling{lstat: os.Lstat, names: namesIn} }

func namesIn(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close() //nolint:errcheck // opened for reading
	return d.Readdirnames(-1)
}

// IsAnother tells whether what is found at p, in the folder at root, has another name there: p's has gone. Directories are read
// only where the file system is seen to take names for one.
func (s *Spelling) IsAnother(root string, p Path) bool {
	here, err := s.lstat(p.In(root))
	if err != nil {
		return false
	}
	folds := false
	for _, other := range Respelled(string(p)) {
		there, err := s.lstat(Path(other).In(root))
		folds = folds || err == nil && os.SameFile(here, there)
	}
	for at := p; folds && at != ""; at = at.Dir() {
		if held, err := s.holds(at.Dir().In(root), at.Base()); err == nil && !held {
			return true
		}
	}
	return false
}

// holds tells whether a directory holds a name, as it is spelled. Names come in the order of their directories, as a rule.
func (s *Spelling) holds(dir, name string) (bool, error) {
	if s.held == nil || s.dir != dir {
		names, err := s.names(dir)
		if err != nil {
			return false, err
		}
		s.dir, s.held = dir, make(map[string]bool, len(names))
		for _, n := range names {
			s.held[n] = true
		}
	}
	return s.held[name], nil
}
