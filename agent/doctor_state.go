package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/service"
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
			say(Broken, dir+" is not there and cannot be made: "+err.Error(), d.words.makeStateDir(dir))
			return
		}
		say(Note, dir+" is not there yet: it is made when the agent first starts", "")
		return
	case err != nil:
		say(Broken, err.Error(), d.closedState(dir))
		return
	case !info.IsDir():
		say(Broken, dir+" is no directory", "")
		return
	}
	if who, _ := othersRead(d.config, dir, info); who != "" {
		say(Warning, fmt.Sprintf("%s can be entered by %s", dir, who), d.words.own(stateWords(d.config)))
	}
	if err := mayWriteIn(dir); err != nil {
		say(Broken, err.Error(), d.foreignState(dir))
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
			d.say(Diagnosis{Broken, "state", "", fmt.Sprintf("%s can be read by %s, and is not used for that", name, who), d.words.own(mend)})
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
	d.say(d.words.diskDiagnosis(dir, free, size))
}

// diskDiagnosis judges the room for a store of some size: nothing is sent where a delivery could not be recorded, and copies
// of the store want room too.
func (w words) diskDiagnosis(dir string, free, size int64) Diagnosis {
	text := fmt.Sprintf("%s has %s free", dir, mebibytes(free))
	switch {
	case free < syncer.LeastRoom:
		return Diagnosis{Broken, "disk", "", text + ", and nothing is sent with less than " + mebibytes(syncer.LeastRoom), w.makeRoom(dir)}
	case free < 3*size+4*syncer.LeastRoom:
		return Diagnosis{
			Warning, "disk", "", text + fmt.Sprintf("; the store has %s, and is copied daily and before an upgrade", mebibytes(size)),
			w.makeRoom(dir),
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
	d.say(d.words.countsDiagnosis(counts))
}

// countsDiagnosis says what waits for a person.
func (w words) countsDiagnosis(counts []state.Count) Diagnosis {
	var held, parked, open int
	for _, c := range counts {
		held += c.Held
		parked += c.Parked
		open += c.Planned + c.Committing
	}
	if held+parked > 0 {
		return Diagnosis{
			Warning, "state", "", fmt.Sprintf("%d files are held and %d given up: a person has to look at them, and explain FILE says why", held, parked),
			w.dropferry("status"),
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
	d.say(d.words.agentDiagnosis(s.Agent, d.options.Version, d.config.File, d.again(s.Agent)))
	for _, x := range s.Destinations {
		if state := syncer.LinkState(x.State); state == syncer.LinkBlocked || state == syncer.LinkWaiting {
			found := Diagnosis{Warning, "destination", x.Name, x.State + ": " + x.Reason, d.words.dropferry("retry", "destination:"+x.Name)}
			if d.isSick(x.Name) {
				found.Text, found.Hint = found.Text+"; it goes on by itself once its key or password can be used", ""
			}
			d.say(found)
		}
	}
}

// isSick tells whether a destination's key or secret is found to be at fault, so that trying again changes nothing.
func (d *doctor) isSick(name string) bool {
	at, there := d.config.Destination(name)
	return d.faulty[name] || there && d.secretDiagnosis(at, remote.CheckSecrets(targetOf(d.config, at))).Severity == Broken
}

// agentDiagnosis judges the agent that runs; again is what starts it anew, by this program.
func (w words) agentDiagnosis(a control.AgentStatus, version, file, again string) Diagnosis {
	text := fmt.Sprintf("an agent is running, pid %d, version %s, with %s", a.PID, a.Version, a.Config)
	switch {
	case a.Version != version:
		return Diagnosis{Warning, "state", "", text + "; this program is " + version, again}
	case a.Config != "" && a.Config != file:
		w.file = a.Config
		return Diagnosis{Warning, "state", "", text + ", and not with " + file, w.dropferry("doctor")}
	}
	return Diagnosis{Severity: Well, Area: "state", Text: text}
}

// again is what starts an agent anew, so that it is this program.
func (d *doctor) again(a control.AgentStatus) string {
	if d.system.PID == 0 || d.system.PID != a.PID {
		return fmt.Sprintf("end process %d, and start it anew: %s", a.PID, d.words.dropferry("run"))
	}
	return d.words.restart(d.system, d.options.Program, d.config.File)
}

// restart starts a service anew. One whose unit names another program than this has to be installed for this one first, where it
// was not a package that has installed it.
func (w words) restart(s service.State, program, file string) string {
	anew := w.service(s.Name, "stop") + then + w.service(s.Name, "start")
	if s.Program == "" || program == "" || s.Program == program {
		return anew
	}
	if s.Packaged {
		w.program = shellWord(s.Program)
		return "use the program of the service: " + w.dropferry("doctor")
	}
	install := []string{w.program}
	if name, is := config.ServiceFor(file); !is || name != s.Name { // else it is the one that the service has without being told
		install = append(install, "-c", shellWord(file))
	}
	return w.admin(strings.Join(install, " ")+" service install"+service.NameFlag(s.Name)) + then + anew
}

// log looks whether the log's file can be written.
func (d *doctor) log() {
	l := d.config.Log
	if l.Target != config.TargetFile {
		return
	}
	say := func(text, hint string) { d.say(Diagnosis{Broken, "log", "", text, hint}) }
	dir := filepath.Dir(l.File)
	if err := mayAppend(l.File); err != nil {
		say(err.Error(), d.words.take(l.File, false))
		return
	}
	if err := mayWriteIn(nearest(dir)); err != nil {
		say(err.Error(), d.logElsewhere())
		return
	}
	if !d.confine.MayWrite(unlinked(l.File)) {
		say("the service may not write to "+dir, d.logElsewhere())
		return
	}
	d.say(Diagnosis{Severity: Well, Area: "log", Text: l.File})
}

// logElsewhere names a file of its own for each service; an agent without one has its log beside its state, where none is named.
func (d *doctor) logElsewhere() string {
	file := filepath.Join(d.config.Agent.StateDir, "log", "dropferry.log")
	if !d.words.private {
		file = logFile(d.service)
	}
	return "[log] file = " + strconv.Quote(filepath.ToSlash(file))
}

// mayAppend tells why a file that is there cannot be written to. What is wrong with its directory is told otherwise.
func mayAppend(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, os.ErrPermission) && mayWriteIn(filepath.Dir(name)) == nil:
		return err
	}
	return nil
}

// closedState is what to do about a state directory that cannot be looked at.
func (d *doctor) closedState(dir string) string {
	if d.stranger() {
		return d.words.dropferry("doctor")
	}
	return d.words.letWrite(dir)
}

// foreignState is what to do about a state directory that cannot be written to.
func (d *doctor) foreignState(dir string) string {
	switch {
	case d.stranger():
		return d.words.dropferry("doctor")
	case isWide(dir):
		return "state_dir names a directory of its own, such as " + filepath.Join(dir, "dropferry")
	}
	return d.words.take(dir, true)
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
