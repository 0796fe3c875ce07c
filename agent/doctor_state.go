package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// state looks at the state directory, its disk and its store.
func (d *doctor) state(ctx context.Context) {
	dir := d.config.Agent.StateDir
	say := func(severity Severity, text, hint string) { d.say(Diagnosis{severity, "state", "", text, hint}) }
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		parent := filepath.Dir(dir)
		if err := mayWriteIn(nearest(parent)); err != nil {
			say(Broken, dir+" is not there and cannot be made: "+err.Error(), makeStateDir(d.account, dir))
			return
		}
		say(Note, dir+" is not there yet: it is made when the agent first starts", "")
		return
	case err != nil:
		say(Broken, err.Error(), "look at it with the rights of its owner: "+asAdmin+"dropferry doctor")
		return
	case !info.IsDir():
		say(Broken, dir+" is no directory", "")
		return
	}
	if who, _ := othersRead(d.config, dir, info); who != "" {
		say(Warning, fmt.Sprintf("%s can be entered by %s", dir, who), stateWords(d.config))
	}
	if err := mayWriteIn(dir); err != nil {
		say(Broken, err.Error(), "the state belongs to another account: "+asAdmin+"dropferry doctor looks with its rights")
		return
	}
	if kind, err := watcher.FileSystemOf(dir); err == nil && kind == "network" {
		say(Broken, dir+" is on a network file system, where locks and the store are not safe", "state_dir on a local disk")
	}
	d.disk(dir)
	d.store(ctx, dir)
	d.agent(ctx, dir)
	d.looseSecrets(dir)
}

// looseSecrets finds what others can read of the secrets that are stored.
func (d *doctor) looseSecrets(dir string) {
	entries, err := os.ReadDir(filepath.Join(dir, "secrets"))
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		name := filepath.Join(dir, "secrets", e.Name())
		if who, mend := othersRead(d.config, name, info); who != "" {
			d.say(Diagnosis{Broken, "state", "", fmt.Sprintf("%s can be read by %s, and is not used for that", name, who), mend})
		}
	}
}

// disk looks at the room for the store.
func (d *doctor) disk(dir string) {
	free, err := state.FreeIn(dir)
	if err != nil {
		d.say(Diagnosis{Warning, "disk", "", fmt.Sprintf("how much room %s has cannot be told: %v", dir, err), ""})
		return
	}
	var size int64
	if info, err := os.Stat(filepath.Join(dir, "dropferry.db")); err == nil {
		size = info.Size()
	}
	d.say(diskDiagnosis(dir, free, size))
}

// diskDiagnosis judges the room for a store of some size: nothing is sent where a delivery could not be recorded, and copies
// of the store want room too.
func diskDiagnosis(dir string, free, size int64) Diagnosis {
	text := fmt.Sprintf("%s has %s free", dir, mebibytes(free))
	switch {
	case free < syncer.LeastRoom:
		return Diagnosis{Broken, "disk", "", text + ", and nothing is sent with less than " + mebibytes(syncer.LeastRoom), "make room: du -xh " + dir + " | sort -h | tail"}
	case free < 3*size+4*syncer.LeastRoom:
		return Diagnosis{
			Warning, "disk", "", text + fmt.Sprintf("; the store has %s, and is copied daily and before an upgrade", mebibytes(size)),
			"make room: du -xh " + dir + " | sort -h | tail",
		}
	}
	return Diagnosis{Severity: Well, Area: "disk", Text: text}
}

func mebibytes(n int64) string {
	if n >= 10<<30 {
		return fmt.Sprintf("%d GiB", n>>30)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// store opens it for reading.
func (d *doctor) store(ctx context.Context, dir string) {
	s, err := state.OpenReader(ctx, dir)
	if errors.Is(err, state.ErrNoStore) {
		d.say(Diagnosis{Severity: Note, Area: "state", Text: "nothing was ever delivered from " + dir})
		return
	}
	if err != nil {
		d.say(Diagnosis{Severity: Broken, Area: "state", Text: err.Error()}) // which says what to do
		return
	}
	counts, err := s.Counts(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		d.say(Diagnosis{Severity: Broken, Area: "state", Text: err.Error()})
		return
	}
	d.say(countsDiagnosis(counts))
}

// countsDiagnosis says what waits for a person.
func countsDiagnosis(counts []state.Count) Diagnosis {
	var held, parked, open int
	for _, c := range counts {
		held += c.Held
		parked += c.Parked
		open += c.Planned + c.Committing
	}
	if held+parked > 0 {
		return Diagnosis{
			Warning, "state", "", fmt.Sprintf("%d files are held and %d given up: a person has to look at them", held, parked),
			"dropferry status, and dropferry explain FILE",
		}
	}
	return Diagnosis{Severity: Well, Area: "state", Text: fmt.Sprintf("the store is readable; %d files are to be delivered", open)}
}

// agent asks the one that runs.
func (d *doctor) agent(ctx context.Context, dir string) {
	client, err := control.Dial(ctx, dir)
	if err != nil {
		if !errors.Is(err, control.ErrNoAgent) {
			d.say(Diagnosis{Severity: Warning, Area: "state", Text: "the agent does not answer: " + err.Error()})
			return
		}
		d.say(Diagnosis{Severity: Note, Area: "state", Text: "no agent is running on " + dir})
		return
	}
	s, err := client.Status(ctx)
	if err != nil {
		d.say(Diagnosis{Severity: Warning, Area: "state", Text: "the agent does not answer: " + err.Error()})
		return
	}
	d.say(agentDiagnosis(s.Agent, d.options.Version, d.config.File))
	for _, x := range s.Destinations {
		if state := syncer.LinkState(x.State); state == syncer.LinkBlocked || state == syncer.LinkWaiting {
			d.say(Diagnosis{Warning, "destination", x.Name, x.State + ": " + x.Reason, "dropferry retry destination:" + x.Name})
		}
	}
}

func agentDiagnosis(a control.AgentStatus, version, file string) Diagnosis {
	text := fmt.Sprintf("an agent is running, pid %d, version %s, with %s", a.PID, a.Version, a.Config)
	switch {
	case a.Version != version:
		return Diagnosis{Warning, "state", "", text + "; this program is " + version, "restart the agent: " + asAdmin + "dropferry service stop; " + asAdmin + "dropferry service start"}
	case a.Config != "" && a.Config != file:
		return Diagnosis{Warning, "state", "", text + ", and not with " + file, "-c " + a.Config}
	}
	return Diagnosis{Severity: Well, Area: "state", Text: text}
}

// log looks whether the log's file can be written.
func (d *doctor) log() {
	l := d.config.Log
	if l.Target != config.TargetFile {
		return
	}
	dir := filepath.Dir(l.File)
	if err := mayWriteIn(nearest(dir)); err != nil {
		d.say(Diagnosis{Broken, "log", "", err.Error(), "[log] file = \"/var/log/dropferry/dropferry.log\""})
		return
	}
	if !d.confine.MayWrite(unlinked(l.File)) {
		d.say(Diagnosis{Broken, "log", "", "the service may not write to " + dir, writePaths(d.service, dir)})
		return
	}
	d.say(Diagnosis{Severity: Well, Area: "log", Text: l.File})
}

// nearest returns dir, or the directory above it that is there.
func nearest(dir string) string {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// mayWriteIn makes an empty file and removes it.
func mayWriteIn(dir string) error {
	f, err := os.CreateTemp(dir, ".dropferry-doctor-*.part")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
