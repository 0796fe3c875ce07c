package e2e

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// pane is a terminal of tmux's, which shows what a person would see.
type pane struct {
	t      *testing.T
	socket string
	name   string
	end    string // file with the exit code of what runs there
}

// newTmux starts a tmux of its own, which ends with the test.
func newTmux(t *testing.T, r *rig) (socket string) {
	t.Helper()
	program, err := exec.LookPath("tmux")
	if err != nil {
		if os.Getenv("DROPFERRY_REQUIRE_SSHD") == "1" {
			t.Fatal("no tmux here, which is what looks at the screen: apt-get install tmux")
		}
		t.Skip("no tmux here, which is what looks at the screen")
	}
	socket = r.at("tmux")
	r.write(r.at("tmux.conf"), "set -g status off\nset -g default-terminal screen-256color\n")
	on := *r
	on.program = program
	on.launch("-D", "-S", socket, "-f", r.at("tmux.conf"))
	t.Cleanup(func() { _ = exec.Command(program, "-S", socket, "kill-server").Run() }) // what runs in it ends with it
	eventually(t, "tmux is there", time.Minute, func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return socket
}

// newPane runs the program on a terminal of that size.
func newPane(t *testing.T, r *rig, socket, name, width, height string, env []string, args ...string) *pane {
	t.Helper()
	p := &pane{t, socket, name, r.at(name + ".end")}
	// What the program leaves stays to be looked at: the terminal is kept by another one.
	line := append([]string{"new-session", "-d", "-s", name, "-x", width, "-y", height, "--", "env"}, append(env, r.env...)...)
	line = append(line, "sh", "-c", `end=$1; shift; "$@"; echo $? >"$end"; exec cat`, "sh", p.end, binary, "-c", r.config)
	p.tmux(append(line, args...)...)
	return p
}

// tmux gives tmux a command, and returns its answer.
func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.CommandContext(p.t.Context(), "tmux", append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// shows is what stands on the screen; its lines end where their text does.
func (p *pane) shows() string { return p.tmux("capture-pane", "-p", "-S", "-", "-t", p.name) }

// colours tells whether anything on the screen has one.
func (p *pane) colours() bool {
	return strings.Contains(p.tmux("capture-pane", "-p", "-e", "-t", p.name), "\x1b[3")
}

// ended waits for the program's end, and returns its exit code.
func (p *pane) ended() string {
	p.t.Helper()
	code := ""
	eventually(p.t, p.name+" ends", time.Minute, func() bool {
		text, _ := os.ReadFile(p.end) // it is not there yet
		code = strings.TrimSpace(string(text))
		return code != ""
	})
	return code
}

// written are the lines of the screen with something on them.
func (p *pane) written() (all []string) {
	for line := range strings.Lines(p.shows()) {
		if line = strings.TrimRight(line, "\n "); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// TestScreens looks at what a terminal shows: bars, at each size that it gets, in colours and without.
func TestScreens(t *testing.T) {
	t.Parallel()
	const name = "a-file-of-a-name-that-a-narrow-terminal-has-no-room-for.bin"
	r, _ := slowRig(t, 1<<20, patient, "to = [\"acme\"]")
	socket := newTmux(t, r)
	r.drop(name, noise(24<<20))
	r.watching()
	watch := newPane(t, r, socket, "watch", "110", "30", nil, "status", "--watch")
	plain := newPane(t, r, socket, "plain", "110", "30", []string{"NO_COLOR=1"}, "status", "--watch")
	for _, p := range []*pane{watch, plain} {
		eventually(t, p.name+" shows the transfer", time.Minute, func() bool {
			s := p.shows()
			return strings.Contains(s, name+" -> acme") && strings.Contains(s, "[#") && strings.Contains(s, "/s") && strings.Contains(s, " left") && strings.Contains(s, "q quits")
		})
		if coloured := p.colours(); coloured != (p == watch) {
			t.Errorf("%s has colours: %v", p.name, coloured)
		}
	}
	for _, size := range [][2]string{{"44", "12"}, {"120", "40"}, {"20", "5"}} {
		watch.tmux("resize-window", "-t", watch.name, "-x", size[0], "-y", size[1])
		eventually(t, "the screen is drawn for "+size[0]+" columns", time.Minute, func() bool {
			lines := watch.written()
			return len(lines) > 2 && lines[len(lines)-1] == "q quits" && strings.Contains(watch.shows(), name) == (size[0] == "120") &&
				strings.Contains(watch.shows(), "…") == (size[0] != "120")
		})
	}
	for _, p := range []*pane{watch, plain} {
		p.tmux("send-keys", "-t", p.name, "q")
		if code := p.ended(); code != "0" {
			t.Errorf("%s: exit code %s", p.name, code)
		}
		if s := p.shows(); strings.Contains(s, "q quits") {
			t.Errorf("%s is not taken away:\n%s", p.name, s)
		}
	}
}

// TestBarsOnANarrowTerminal stay on one line, and leave nothing of themselves.
func TestBarsOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	const name = "a-file-of-a-name-that-a-narrow-terminal-has-no-room-for.bin"
	r, wire := slowRig(t, 512<<10, patient, "to = [\"acme:in\"]")
	socket := newTmux(t, r)
	r.drop(name, noise(4<<20))
	file := r.at(name)
	r.write(file, noise(4<<20))
	panes := []*pane{
		newPane(t, r, socket, "put", "50", "20", nil, "put", file, "acme:put/"),
		newPane(t, r, socket, "once", "50", "20", nil, "once"),
	}
	for _, p := range panes {
		seen := 0
		eventually(t, p.name+" moves", time.Minute, func() bool {
			lines := slices.DeleteFunc(p.written(), func(line string) bool { return !strings.Contains(line, "MiB") && !strings.Contains(line, "[#") })
			if len(lines) > 1 {
				t.Fatalf("%s: its bar takes more than a line:\n%s", p.name, p.shows())
			}
			seen += len(lines)
			return seen > 5
		})
	}
	wire.SetRate(0)
	for _, p := range panes {
		if code := p.ended(); code != "0" {
			t.Errorf("%s: exit code %s:\n%s", p.name, code, p.shows())
		}
		text := strings.Join(p.written(), "")
		if strings.Contains(text, "[#") || strings.Contains(text, "…") || !strings.Contains(text, "delivered") {
			t.Errorf("%s leaves %q", p.name, text)
		}
	}
}
