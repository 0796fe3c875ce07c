package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/service"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// typed is how hints are worded for a service with an account and a configuration of its own.
var typed = words{sudo: sudoFor(false, true), program: "dropferry", file: "/etc/dropferry/erp.toml", account: "me"}

// judged is a finding, and what it has to be: its text and hint hold these parts, and there is a hint just where one is wanted.
type judged struct {
	name       string
	got        Diagnosis
	severity   Severity
	text, hint string
}

func check(t *testing.T, all []judged) {
	t.Helper()
	for _, j := range all {
		if j.got.Severity != j.severity || !strings.Contains(j.got.Text, j.text) {
			t.Errorf("%s: %+v, want %s with %q", j.name, j.got, j.severity, j.text)
		}
		if !strings.Contains(j.got.Hint, j.hint) || (j.got.Hint == "") != (j.hint == "") {
			t.Errorf("%s: the hint is %q, want %q", j.name, j.got.Hint, j.hint)
		}
		if j.got.Area == "" {
			t.Errorf("%s: of no area", j.name)
		}
	}
}

func TestDoctorOnTheClock(t *testing.T) {
	now := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	check(t, []judged{
		{"in step", typed.clockDiagnosis(now, clockKept), Well, "2027-03-01T00:00:00Z, kept in step", ""},
		{"who knows", typed.clockDiagnosis(now, clockUnknown), Well, "2027-03-01", ""},
		{"alone", typed.clockDiagnosis(now, clockAlone), Warning, "kept in step by nobody", typed.setClock()},
		{"of 1970", typed.clockDiagnosis(time.Unix(0, 0), clockKept), Broken, "which is past", typed.setClock()},
	})
}

func TestDoctorOnTheService(t *testing.T) {
	at := func(s service.State) Diagnosis { return typed.serviceDiagnosis("dropferry", s, nil) }
	check(t, []judged{
		{"none", at(service.State{Phase: service.Absent}), Note, "no service", "dropferry service install"},
		{"unknown", typed.serviceDiagnosis("dropferry", service.State{}, service.ErrUnsupported), Note, "no service manager", ""},
		{
			"at work", at(service.State{Phase: service.Running, PID: 7, Account: "dropferry", Boot: true, Status: "folders: 1"}),
			Well, "running, pid 7, as dropferry: folders: 1", "",
		},
		{"of root", at(service.State{Phase: service.Running, Account: "root", Boot: true}), Warning, "no such rights", "--account"},
		{"until the next boot", at(service.State{Phase: service.Running, Account: "x"}), Warning, "not started with the system", typed.letBoot("dropferry")},
		{"failed", at(service.State{Phase: service.Failed, Status: "exit code 5"}), Broken, "failed: exit code 5", typed.lookWhy("dropferry")},
		{"again and again", at(service.State{Phase: service.Starting, Status: "it has ended"}), Broken, "starting: it has ended", typed.lookWhy("dropferry")},
		{"stopped", at(service.State{Phase: service.Stopped, Boot: true}), Warning, "stopped", "dropferry service start"},
		{
			"another's name", typed.serviceDiagnosis("dropferry@erp", service.State{Phase: service.Stopped, Boot: true}, nil),
			Warning, "stopped", "service start --name dropferry@erp",
		},
	})
}

// What an account may do, its unit may keep it from.
func TestDoctorOnTheUnit(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no units, and no such paths")
	}
	c := &config.Config{Agent: config.Agent{StateDir: "/srv/state"}, Folders: []config.Folder{{Name: "a", Path: "/tmp/a"}, {Name: "b", Path: "/srv/b"}}}
	d := &doctor{config: c, words: typed, service: "dropferry", confine: service.Confinement{
		ReadOnly: true, OwnTmp: true, Writable: []string{"/var/lib/dropferry"},
	}}
	d.confined()
	if len(d.all) != 2 {
		t.Fatalf("%+v", d.all)
	}
	check(t, []judged{
		{"state", d.all[0], Broken, "the unit dropferry leaves /srv/state read-only", `ReadWritePaths="-/srv/state"`},
		{"folder", d.all[1], Broken, "does not see /tmp/a", "PrivateTmp=no"},
	})
	d.all, c.Agent.StateDir, c.Folders = nil, "/tmp/state", nil
	d.confined()
	check(t, []judged{{"state in a /tmp of its own", d.all[0], Broken, "does not see /tmp/state", "state_dir"}})
	d.all, c.Agent.StateDir = nil, "/var/lib/dropferry"
	d.confined()
	if len(d.all) != 0 {
		t.Errorf("of what is well: %+v", d.all)
	}
}

func TestDoctorOnTheDisk(t *testing.T) {
	check(t, []judged{
		{"room", typed.diskDiagnosis("/s", 20<<30, 1<<30), Well, "/s has 20 GiB free", ""},
		{"none for copies", typed.diskDiagnosis("/s", 2<<30, 1<<30), Warning, "the store has 1024.0 MiB", typed.makeRoom("/s")},
		{"little", typed.diskDiagnosis("/s", 50<<20, 0), Warning, "50.0 MiB free", typed.makeRoom("/s")},
		{"none", typed.diskDiagnosis("/s", 1<<20, 0), Broken, "nothing is sent with less than 16.0 MiB", typed.makeRoom("/s")},
	})
}

func TestDoctorOnTheStore(t *testing.T) {
	check(t, []judged{
		{"well", typed.countsDiagnosis([]state.Count{{Planned: 2, Committing: 1}}), Well, "3 files are to be delivered", ""},
		{"waits for a person", typed.countsDiagnosis([]state.Count{{Held: 2}, {Parked: 1, Planned: 4}}), Warning, "2 files are held and 1 given up", "dropferry -c /etc/dropferry/erp.toml status"},
		{"its agent", typed.agentDiagnosis(control.AgentStatus{PID: 3, Version: "1", Config: "/c"}, "1", "/c", "restart it"), Well, "pid 3, version 1", ""},
		{"its agent before the upgrade", typed.agentDiagnosis(control.AgentStatus{Version: "1", Config: "/c"}, "2", "/c", "restart it"), Warning, "this program is 2", "restart"},
		{"its agent with another file", typed.agentDiagnosis(control.AgentStatus{Version: "1", Config: "/c"}, "1", "/d", "restart it"), Warning, "and not with /d", "dropferry -c /c doctor"},
	})
}

func TestDoctorOnFolders(t *testing.T) {
	f := &config.Folder{Name: "out", Path: "/srv/my out", PollInterval: 30 * time.Second}
	events := &config.Folder{Name: "out", Path: "/srv/out", Watch: watcher.WatchEvents}
	denied := &fs.PathError{Op: "open", Path: "/srv/my out/x", Err: fs.ErrPermission}
	check(t, []judged{
		{"well", typed.folderDiagnosis(f, watcher.Extent{Directories: 3, Complete: true, FileSystem: "local"}, nil), Well, "3 directories", ""},
		{"large", typed.folderDiagnosis(f, watcher.Extent{Directories: 9, FileSystem: "local"}, nil), Well, "more than 9 directories", ""},
		{"a share", typed.folderDiagnosis(f, watcher.Extent{Directories: 1, Complete: true, FileSystem: "network"}, nil), Note, "1 directory; on a network file system, which is scanned every 30s", ""},
		{"a share with events", typed.folderDiagnosis(events, watcher.Extent{Complete: true, FileSystem: "network"}, nil), Warning, "does not tell", `watch = "auto"`},
		{"gone", typed.folderDiagnosis(f, watcher.Extent{}, fmt.Errorf("x: %w", fs.ErrNotExist)), Broken, "is not there", shellWord("/srv/my out")},
		{"locked", typed.folderDiagnosis(f, watcher.Extent{}, denied), Broken, "permission denied", "me"},
		{"locked in part", typed.folderDiagnosis(f, watcher.Extent{Unreadable: denied}, nil), Broken, "not all of it", "me"},
		{"a file", typed.folderDiagnosis(f, watcher.Extent{}, errors.New("not a directory")), Broken, "not a directory", ""},
		{"watches", typed.watchDiagnosis(100, true, 8192), Well, "100 watches", ""},
		{"too few watches", typed.watchDiagnosis(9000, true, 8192), Warning, "scanned instead", "max_user_watches=524288"},
		{"far too few", typed.watchDiagnosis(1<<20, false, 524288), Warning, "more than", "max_user_watches=2097152"},
		{"watches nearly gone", typed.watchDiagnosis(7000, true, 8192), Warning, "7000 watches", "max_user_watches"},
		{"instances", typed.instanceDiagnosis(3, 128), Well, "3 folders", ""},
		{"many folders", typed.instanceDiagnosis(120, 128), Warning, "120 folders", "max_user_instances=1024"},
	})
}

func TestArchiveRoot(t *testing.T) {
	for template, want := range map[string]string{
		"/srv/sent": "/srv/sent", "/srv/sent/{yyyy}/{mm}": "/srv/sent", "/srv/sent-{yyyy}": "/srv", "/srv/{folder}/x": "/srv",
	} {
		if got := archiveRoot(filepath.FromSlash(template)); got != filepath.FromSlash(want) {
			t.Errorf("%s: %s, want %s", template, got, want)
		}
	}
}

func TestDoctorOnDestinations(t *testing.T) {
	acme := &config.Destination{Name: "acme", Password: config.Secret{Credential: "acme-pass"}}
	d := &doctor{words: typed, service: "dropferry", confine: service.Confinement{Credentials: []string{"acme-pass"}}}
	alone := &doctor{words: typed}
	missing := errors.New("connect acme: credential acme-pass: no such file")
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	key := func(print string) remote.Key { return remote.Key{Type: "ssh-ed25519", Fingerprint: print} }
	shown := []remote.Key{key("SHA256:a"), key("SHA256:b")}
	pinned := &config.Destination{Name: "acme", HostKey: []string{"SHA256:c"}}
	check(t, []judged{
		{"secret", d.secretDiagnosis(acme, nil), Well, "can be read", ""},
		{"secret of systemd's", d.secretDiagnosis(acme, missing), Note, "hands credential acme-pass to dropferry alone", ""},
		{"no secret", alone.secretDiagnosis(acme, missing), Broken, "credential acme-pass", "dropferry -c /etc/dropferry/erp.toml secret set acme-pass"},
		{"key", alone.secretDiagnosis(&config.Destination{Name: "acme"}, errors.New("key: x")), Broken, "key: x", ""},
		{"answers", typed.reachDiagnosis("acme", "h:22", nil), Well, "h:22 answers", ""},
		{"no such host", typed.reachDiagnosis("acme", "h:22", &net.DNSError{Err: "no such host"}), Broken, "no such host", typed.lookUp("h")},
		{"closed", typed.reachDiagnosis("acme", "h:22", refused), Broken, "connection refused", typed.reach("h", "22")},
		{"trusted", typed.hostKeyDiagnosis(acme, shown, []string{"SHA256:b"}, nil), Well, "SHA256:b", ""},
		{"untrusted", typed.hostKeyDiagnosis(acme, shown, nil, nil), Broken, "nobody has said", "dropferry -c /etc/dropferry/erp.toml trust acme"},
		{"changed", typed.hostKeyDiagnosis(acme, shown, []string{"SHA256:c"}, nil), Broken, "another key was accepted: SHA256:c", "dropferry -c /etc/dropferry/erp.toml trust acme --replace"},
		{"not the pinned one", typed.hostKeyDiagnosis(pinned, shown, []string{"SHA256:c"}, nil), Broken, "the configuration wants SHA256:c", "mend host_key"},
		{"unreadable", typed.hostKeyDiagnosis(acme, shown, nil, errors.New("known_hosts: denied")), Broken, "known_hosts: denied", ""},
	})
}
