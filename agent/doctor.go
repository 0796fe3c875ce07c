package agent

import (
	"cmp"
	"context"
	"fmt"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
	"github.com/dropferry/dropferry/watcher"
)

// Severity says how bad a finding is.
type Severity string

// The severities, from what is well to what keeps files from being sent.
const (
	Well    Severity = "ok"
	Note    Severity = "note"    // worth knowing
	Warning Severity = "warning" // it works, and might not for long, or not as well as it could
	Broken  Severity = "fault"   // it keeps files from being sent, or the agent from starting
)

// Diagnosis is what doctor has to say about one thing.
type Diagnosis struct {
	Severity Severity `json:"severity"`
	Area     string   `json:"area"`              // configuration, account, state, disk, clock, service, log, watches, folder, destination
	Subject  string   `json:"subject,omitempty"` // the name of the folder or destination
	Text     string   `json:"text"`
	Hint     string   `json:"hint,omitempty"` // what to type, or else to do
}

// DoctorOptions are what doctor looks at.
type DoctorOptions struct {
	Config  *config.Config // nil where it could not be loaded
	Version string         // of this program
	Network bool           // servers are asked for their host keys; nobody logs in
	Program string         // absolute path of this program, for what is to be typed; "" is dropferry
	ByRoot  bool           // root has asked, and has this look with the rights of another account
}

// doctor collects what it finds.
type doctor struct {
	options DoctorOptions
	config  *config.Config
	words   words  // what is to be typed is made of them
	looks   string // the account whose rights it looks with
	service string // the name of the service of the configuration; "" where it is none's
	system  service.State
	unknown error // why the system cannot tell of it
	confine service.Confinement
	faulty  map[string]bool // destinations whose keys or secrets are known to be at fault
	all     []Diagnosis
}

// Doctor looks at everything that the agent stands on, as the account that runs it, and says what to do about what is wrong.
// It changes nothing, but for empty files that it makes and removes to see whether it may.
func Doctor(ctx context.Context, o DoctorOptions) []Diagnosis {
	d := &doctor{options: o, config: o.Config, words: wordsFor(o), faulty: map[string]bool{}}
	d.whoLooks()
	d.clock()
	if d.config == nil {
		return d.all
	}
	d.findService(ctx)
	d.configuration()
	d.services(ctx)
	d.confined()
	d.state(ctx)
	d.log()
	d.folders(ctx)
	for i := range d.config.Destinations {
		d.destination(ctx, &d.config.Destinations[i])
	}
	return d.all
}

// serviceOf names the service of a configuration, "" where it is none's.
func serviceOf(c *config.Config) string {
	if name, is := service.WorksWith(c.File); is {
		return name
	}
	name, _ := config.ServiceFor(c.File)
	return name
}

// ServiceRights returns those that the service of a configuration works with; without an account where there is no such service.
func ServiceRights(ctx context.Context, c *config.Config) service.Rights {
	name := serviceOf(c)
	if name == "" {
		return service.Rights{}
	}
	s, err := service.Query(ctx, name)
	if err != nil || s.Phase == service.Absent {
		return service.Rights{}
	}
	var rights service.Rights
	if confined, err := service.Confined(ctx, name); err == nil {
		rights = confined.Rights
	}
	rights.Account = s.Account
	return rights
}

// LetReadConfig is what to type where a configuration cannot be read by whoever looks: with the rights of the agent's account, whom
// root lets in, or of somebody else, who lets root look.
func LetReadConfig(file string, o DoctorOptions) string {
	w := wordsFor(o)
	if u, err := user.Current(); err == nil {
		w.account = u.Username
	}
	w.file, w.private = file, false
	if full, err := filepath.Abs(file); err == nil {
		w.file = full
	}
	if o.ByRoot {
		return w.letReadFile(w.file)
	}
	if w.sudo == "" {
		return "as an administrator: " + w.dropferry("doctor")
	}
	return w.dropferry("doctor")
}

func (d *doctor) say(found Diagnosis) { d.all = append(d.all, found) }

// configuration says what is wrong with keys and secrets, with the lines that name them. Folders and state are looked at more
// closely later.
func (d *doctor) configuration() {
	d.say(Diagnosis{Severity: Well, Area: "configuration", Text: fmt.Sprintf("%s: %d folders, %d destinations",
		d.config.File, len(d.config.Folders), len(d.config.Destinations))})
	for _, f := range d.config.MappedDrives(watcher.MappedDrive).Warnings() { // a person's own agent has them
		d.say(DiagnosisOf(f))
	}
	for _, f := range d.config.CheckPaths() {
		if f.Key == "folder.path" || f.Key == "agent.state_dir" {
			continue
		}
		found := DiagnosisOf(f)
		found.Hint = cmp.Or(d.words.hinted(f.Hint), d.keyHint(f))
		d.say(found)
		for _, at := range d.config.Destinations {
			if !f.Warning && strings.HasPrefix(f.Text, fmt.Sprintf("destination %q: ", at.Name)) {
				d.faulty[at.Name] = true
			}
		}
	}
}

// DiagnosisOf words a fault of the configuration.
func DiagnosisOf(f config.Fault) Diagnosis {
	d := Diagnosis{Severity: Broken, Area: "configuration", Hint: f.Hint}
	if f.Warning {
		d.Severity = Warning
	}
	f.Hint, f.Warning = "", false
	d.Text = f.String()
	return d
}

// whoLooks says who is asking: it decides what is found.
func (d *doctor) whoLooks() {
	u, err := user.Current()
	if err != nil {
		d.say(Diagnosis{Warning, "account", "", "this account has no name: " + err.Error(), ""})
		return
	}
	d.looks, d.words.account = u.Username, u.Username
	d.say(Diagnosis{Severity: Well, Area: "account", Text: "looking with the rights of " + u.Username})
}

func (d *doctor) clock() { d.say(d.words.clockDiagnosis(time.Now(), clockState())) }

// clockKnowledge is what the system knows of its clock.
type clockKnowledge int

const (
	clockUnknown clockKnowledge = iota
	clockKept                   // in step with the world's
	clockAlone
)

// builtAfter is a moment that every clock has passed.
var builtAfter = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func (w words) clockDiagnosis(now time.Time, known clockKnowledge) Diagnosis {
	at := rfc3339(now)
	switch {
	case now.Before(builtAfter):
		return Diagnosis{Broken, "clock", "", "the clock says " + at + ", which is past: receipts, archives and retries go by it", w.setClock()}
	case known == clockAlone:
		return Diagnosis{Warning, "clock", "", "the clock, " + at + ", is kept in step by nobody", w.setClock()}
	case known == clockKept:
		return Diagnosis{Severity: Well, Area: "clock", Text: at + ", kept in step"}
	}
	return Diagnosis{Severity: Well, Area: "clock", Text: at}
}

// findService asks the system for the service of this configuration: whom it runs as stands in all that is to be typed.
func (d *doctor) findService(ctx context.Context) {
	if d.service = serviceOf(d.config); d.service == "" {
		return
	}
	d.system, d.unknown = service.Query(ctx, d.service)
	if d.unknown == nil && d.system.Phase != service.Absent {
		d.words.private = false
		d.words.account = cmp.Or(accountIn(d.system), d.words.account)
	}
}

// services says what the system knows of that service.
func (d *doctor) services(ctx context.Context) {
	if d.service == "" {
		d.say(Diagnosis{Severity: Note, Area: "service", Text: d.config.File + " is no service's configuration: the agent runs as whoever starts it"})
		return
	}
	d.say(d.words.serviceDiagnosis(d.service, d.system, d.unknown))
	if d.unknown == nil {
		d.asService(d.system)
	}
	if confined, err := service.Confined(ctx, d.service); err == nil {
		d.confine = confined
	}
}

func (w words) serviceDiagnosis(name string, s service.State, err error) Diagnosis {
	found := Diagnosis{Severity: Well, Area: "service", Subject: name}
	switch {
	case err != nil:
		found.Severity, found.Text = Note, err.Error()
		return found
	case s.Phase == service.Absent:
		found.Severity, found.Text = Note, "there is no service of that name"
		found.Hint = w.service(name, "install")
		return found
	}
	found.Text = string(s.Phase)
	if s.PID != 0 {
		found.Text += fmt.Sprintf(", pid %d", s.PID)
	}
	if s.Account != "" {
		found.Text += ", as " + s.Account
	}
	if s.Status != "" {
		found.Text += ": " + s.Status
	}
	switch {
	case s.Phase == service.Failed, s.Phase == service.Starting && s.Status != "":
		found.Severity, found.Hint = Broken, w.lookWhy(name)
	case s.Phase == service.Stopped:
		found.Severity, found.Hint = Warning, w.service(name, "start")
	case !s.Boot:
		found.Severity, found.Hint = Warning, w.letBoot(name)
		found.Text += "; it is not started with the system"
	case s.Account == "root":
		found.Severity, found.Text = Warning, found.Text+"; it needs no such rights"
		found.Hint = "give it an account of its own: " + w.service(name, "install", "--account", "NAME")
	}
	return found
}
