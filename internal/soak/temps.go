package main

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
)

// temp is a file under a private name at the server, and the most bytes that it ever held.
type temp struct {
	Name string // its last element
	Size int64
}

// id returns the id of the upload that a temp is for.
func (t temp) id() string {
	rest := strings.TrimSuffix(t.Name, file.TempSuffix)
	return rest[strings.LastIndex(rest, ".")+1:]
}

// tempsLook is how often the temps are looked at.
const tempsLook = 100 * time.Millisecond

// watchTemps looks at the temps below root until ctx ends.
func watchTemps(ctx context.Context, root string) (all []temp, err error) {
	most := map[string]int64{}
	for err == nil && sleep(ctx, tempsLook) == nil {
		err = filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || !file.IsPrivate(d.Name()) {
				return ignoreMissing(err)
			}
			info, err := d.Info()
			if err == nil {
				most[d.Name()] = max(most[d.Name()], info.Size())
			}
			return ignoreMissing(err)
		})
	}
	for name, size := range most {
		all = append(all, temp{name, size})
	}
	return all, err
}
