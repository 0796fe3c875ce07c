package remote

import (
	"os"
	"path"
	"strings"
)

// A letter with an accent, as one and as two. A server may take names for one that differ in that alone.
const (
	composed   = "dropferry-probe-\u00e9"
	decomposed = "dropferry-probe-e\u0301"
)

// upper returns a name with its last element in upper case.
func upper(name string) string {
	dir, base := path.Split(name)
	return dir + strings.ToUpper(base)
}

// isThere tells whether the server has something under a name.
func (p *probe) isThere(name string) bool {
	return p.works(func() error {
		_, err := p.session.sftp.Lstat(name)
		return err
	})
}

// foldsForm makes a file and looks for it under the other form of its name. A server that refuses such a name has none.
func (p *probe) foldsForm() bool {
	f := p.accented
	if p.open(f, os.O_WRONLY|os.O_CREATE|os.O_TRUNC); f.err != nil {
		return false
	}
	p.close(f)
	return p.isThere(strings.Replace(f.name, composed, decomposed, 1))
}
