package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// formatVersion is the only version of the file's format so far.
const formatVersion = 1

// maxSize bounds the file, in bytes. It is far more than a thousand folders take.
const maxSize = 16 << 20

// Load reads the configuration at name. The error is of type Faults and holds every fault of the file. Relative paths
// in the file are relative to the directory it lies in. Secrets are not read.
func Load(name string) (*Config, error) {
	text, err := read(name)
	if err != nil {
		fault := Fault{File: name, Text: cause(err), cause: err}
		if errors.Is(err, fs.ErrNotExist) {
			fault.Hint = "write one from agent.toml.example, or try `dropferry demo`, which needs none"
		}
		return nil, Faults{fault}
	}
	return Parse(name, text)
}

// cause leaves out what the fault says already: operation and path.
func cause(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}

func read(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errors.New("is a directory, not a file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only: nothing can be lost
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("is larger than %d MiB, which is no configuration", maxSize>>20)
	}
	return text, err
}

// Parse is Load for a text that has been read; name stands in faults, and relative paths are relative to the directory
// it lies in.
func Parse(name string, text []byte) (*Config, error) {
	full, err := absolutePath(name)
	if err != nil {
		return nil, Faults{{File: name, Text: err.Error(), cause: err}}
	}
	var values map[string]any
	if _, err := toml.Decode(string(text), &values); err != nil {
		return nil, Faults{syntaxFault(name, string(text), err)}
	}
	r := &reading{file: name, dir: filepath.Dir(full), lines: locate(string(text))}
	cfg := loadTables(table{reading: r, kind: top, values: values})
	if len(r.faults) > 0 {
		r.faults.sort()
		return nil, r.faults
	}
	cfg.File, cfg.shown, cfg.lines = full, name, r.lines
	return cfg, nil
}

func absolutePath(name string) (string, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return "", fmt.Errorf("find the directory of %s: %w", name, err)
	}
	return full, nil
}

// loading is a configuration whose tables are being checked against one another.
type loading struct {
	cfg                   *Config
	agent, log            table
	destinations, folders []table // beside those of cfg
}

func loadTables(t table) *Config {
	t.unknown()
	t.checkVersion()
	l := loading{cfg: &Config{}}
	l.agent, _ = t.single("agent", kindAgent)
	l.cfg.Agent = l.agent.agent()
	l.log, _ = t.single("log", kindLog)
	l.cfg.Log = l.log.log(l.cfg.Agent.StateDir)
	control, _ := t.single("control", kindControl)
	l.cfg.Control = control.control()
	defaults, _ := t.single("defaults", kindDefaults)
	rules := defaults.defaults()
	l.cfg.Agent.BandwidthTimes = l.agent.timetable(rules.Timezone)

	l.destinations = t.several("destination", kindDest)
	for _, d := range l.destinations {
		destination := d.destination()
		destination.Schedule, destination.BandwidthTimes = d.schedule(rules.Timezone), d.timetable(rules.Timezone)
		l.cfg.Destinations = append(l.cfg.Destinations, destination)
	}
	l.folders = t.several("folder", kindFolder)
	for _, f := range l.folders {
		l.cfg.Folders = append(l.cfg.Folders, f.folder(rules))
	}
	receivers := t.several("notify", kindNotify)
	for i, n := range receivers {
		l.cfg.Notify = append(l.cfg.Notify, n.notify(i+1))
	}
	checkDuplicates(receivers)
	checkDuplicates(l.destinations)
	checkDuplicates(l.folders)
	checkWas(l.destinations)
	checkWas(l.folders)
	l.checkDestinationNames()
	l.checkJumps()
	l.checkRoutes()
	l.checkOverlaps()
	return l.cfg
}

func (t table) checkVersion() {
	if !t.has("version") {
		t.faults = append(t.faults, Fault{
			File: t.file, Line: 1, Key: "version", Text: "version is missing", Hint: "the file begins with version = 1",
		})
		return
	}
	if v, ok := t.values["version"].(int64); ok && v != formatVersion {
		t.faultAt("version", fmt.Sprintf("version = %d is not supported by this version", v), "version = 1")
		return
	}
	t.integer("version", formatVersion, formatVersion, formatVersion)
	t.needs("version")
}

// checkDuplicates finds tables with a name that an earlier one has.
func checkDuplicates(tables []table) {
	first := map[string]table{}
	for _, t := range tables {
		name, ok := t.values["name"].(string)
		if !ok || name == "" {
			continue
		}
		if earlier, taken := first[name]; taken {
			t.faultAt("name", fmt.Sprintf("the name is taken (line %d)", earlier.lines.of(earlier.at.key("name"))), "")
			continue
		}
		first[name] = t
	}
}

// checkDestinationNames finds targets whose destination does not exist.
func (l *loading) checkDestinationNames() {
	known := l.destinationNames()
	for i, f := range l.cfg.Folders {
		for j, to := range f.To {
			if _, ok := l.cfg.Destination(to.Destination); ok || to.Destination == "" {
				continue
			}
			hint := didYouMean(to.Destination, known)
			if hint == "" && len(known) > 0 {
				hint = "known are " + strings.Join(known, ", ")
			}
			l.routeFault(i, j, "unknown destination", hint)
		}
	}
}
