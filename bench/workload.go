package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// workload is a set of files of one size, spread evenly over directories.
type workload struct {
	count int
	size  int64 // bytes of each
	dirs  int   // 0 puts all into one
}

// source is a workload on disk.
type source struct {
	workload
	dir   string            // its base name is payload
	want  tree              // what has to be at the server afterwards
	files []string          // in the order in which they were written, relative to the parent of dir
	whole [sha256.Size]byte // of all their bytes, one after another
}

// payload is the name of the directory that is transferred, the same at the server.
const payload = "payload"

// parseWorkloads reads a list such as "1x512MiB,2000x4KiB/50".
func parseWorkloads(list string) ([]workload, error) {
	var found []workload
	for _, text := range fields(list) {
		w, err := parseWorkload(text)
		if err != nil {
			return nil, fmt.Errorf("-workloads: %w", err)
		}
		found = append(found, w)
	}
	if len(found) == 0 {
		return nil, errors.New("-workloads: none is given")
	}
	return found, nil
}

func parseWorkload(text string) (workload, error) {
	var w workload
	countText, rest, found := strings.Cut(text, "x")
	sizeText, dirsText, spread := strings.Cut(rest, "/")
	var errs [3]error
	w.count, errs[0] = strconv.Atoi(countText)
	w.size, errs[1] = parseBytes(sizeText)
	if spread {
		w.dirs, errs[2] = strconv.Atoi(dirsText)
	}
	if !found || errors.Join(errs[:]...) != nil || w.count < 1 || w.dirs < 0 {
		return w, fmt.Errorf("%q is not like 200x1MiB or 2000x4KiB/50", text)
	}
	return w, nil
}

// scaled shrinks the number of files, or the size of a single one.
func (w workload) scaled(scale float64) workload {
	if w.count == 1 {
		w.size = max(1, int64(math.Round(float64(w.size)*scale)))
	} else {
		w.count = max(1, int(math.Round(float64(w.count)*scale)))
	}
	w.dirs = min(w.dirs, w.count)
	return w
}

func (w workload) bytes() int64 { return int64(w.count) * w.size }

// String returns a name such as "2000 x 4 KiB in 50 directories".
func (w workload) String() string {
	name := fmt.Sprintf("%d x %s", w.count, formatBytes(w.size))
	if w.dirs > 0 {
		name += fmt.Sprintf(" in %d directories", w.dirs)
	}
	return name
}

// make writes the workload to a directory below parent. The bytes cannot be compressed, differ from file to file and
// are the same each time. The files look an hour old, which spares the programs that look at times a wait.
func (w workload) make(parent string) (source, error) {
	s := source{workload: w, dir: filepath.Join(parent, payload), want: tree{payload: directory}}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return s, err
	}
	content := rand.NewChaCha8(sha256.Sum256([]byte(w.String())))
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	buffer := make([]byte, min(w.size, 1<<20))
	whole := sha256.New()
	for i := range w.count {
		name := fmt.Sprintf("file-%05d.bin", i)
		if w.dirs > 0 {
			dir := fmt.Sprintf("dir-%03d", i%w.dirs)
			s.want[filepath.Join(payload, dir)] = directory
			name = filepath.Join(dir, name)
		}
		full := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return s, err
		}
		sum, err := writeFile(full, w.size, content, buffer, whole)
		if err == nil {
			err = os.Chtimes(full, old, old)
		}
		if err != nil {
			return s, err
		}
		s.files = append(s.files, filepath.Join(payload, name))
		s.want[s.files[i]] = entry{size: w.size, sum: sum}
	}
	s.whole = [sha256.Size]byte(whole.Sum(nil))
	return s, nil
}

// writeFile writes a new file and returns the SHA-256 of what it wrote, which goes to whole too.
func writeFile(name string, size int64, content *rand.ChaCha8, buffer []byte, whole io.Writer) (sum [sha256.Size]byte, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash := sha256.New()
	for left := size; left > 0; {
		part := buffer[:min(left, int64(len(buffer)))]
		_, _ = content.Read(part) // it never fails
		_, _ = hash.Write(part)   // nor does this
		_, _ = whole.Write(part)
		if _, err := f.Write(part); err != nil {
			return sum, err
		}
		left -= int64(len(part))
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}
