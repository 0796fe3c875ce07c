package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
)

// TestObeyAll opens the store once for all commands, and holds it until the last. What makes no sense opens none.
func TestObeyAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outbox, stateDir := filepath.Join(dir, "outbox"), filepath.Join(dir, "state")
	if err := os.Mkdir(outbox, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(filepath.Join(dir, "agent.toml"), []byte(`version = 1
[agent]
state_dir = '`+stateDir+`'
[[destination]]
name = "acme"
host = "sftp.example"
user = "u"
password = { env = "X" }
[[folder]]
name = "outbox"
mode = "outbox"
path = '`+outbox+`'
to = ["acme"]
`))
	if err != nil {
		t.Fatal(err)
	}
	pause := func(what string) control.Command { return control.Command{Verb: control.VerbPause, Target: what} }
	given := false
	err = ObeyAll(t.Context(), c, pause("folder:none"), func(Obedient) error { given = true; return nil })
	if _, refused := errors.AsType[*control.Refusal](err); !refused || given {
		t.Errorf("of no folder: %v, given %t", err, given)
	}
	if _, err := os.Stat(stateDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a store was made: %v", err)
	}
	lost := errors.New("lost")
	err = ObeyAll(t.Context(), c, pause("folder:outbox"), func(obey Obedient) error {
		for _, what := range []string{"folder:outbox", "destination:acme", "outbox/acme"} {
			if o, err := obey(t.Context(), pause(what)); err != nil || o.Count != 1 {
				t.Errorf("%s: %+v, %v", what, o, err)
			}
		}
		if _, err := Obey(t.Context(), c, pause("folder:outbox")); !errors.Is(err, state.ErrLocked) {
			t.Errorf("beside it: %v", err)
		}
		return lost
	})
	if !errors.Is(err, lost) {
		t.Errorf("it ends with %v", err)
	}
	if o, err := Obey(t.Context(), c, control.Command{Verb: control.VerbResume, Target: "outbox/acme"}); err != nil || len(o.Pauses) != 2 {
		t.Errorf("afterwards: %+v, %v", o, err)
	}
}
