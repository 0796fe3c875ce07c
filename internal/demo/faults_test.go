package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/syncer"
)

// TestSum fails where a sample did not arrive, or not as it was.
func TestSum(t *testing.T) {
	t.Parallel()
	arrivals := []sample{{name: "a/b", pieces: [][]byte{[]byte("1"), []byte("2")}}, {name: "empty"}}
	for _, row := range []struct {
		name string
		have map[string]string
		want string // of the error; "" none
	}{
		{"all whole", map[string]string{"a/b": "12", "empty": ""}, ""},
		{"one missing", map[string]string{"a/b": "12"}, "no such file"},
		{"half a file", map[string]string{"a/b": "1", "empty": ""}, "a/b has arrived with 1 bytes"},
		{"another content", map[string]string{"a/b": "13", "empty": ""}, "a/b has arrived with 2 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := &scene{dir: t.TempDir()}
			var err error
			if s.wire, err = sftptest.NewWire("127.0.0.1:1"); err != nil {
				t.Fatal(err)
			}
			defer s.wire.Close() //nolint:errcheck // nobody has connected
			for name, content := range row.have {
				full := filepath.Join(s.inbox(), name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, []byte(content), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			err = (&faults{scene: s, made: 3}).sum(&out, arrivals)
			if row.want == "" && (err != nil || !strings.Contains(out.String(), "3 faults, 2 files, all of them whole")) {
				t.Errorf("%v, %q", err, out.String())
			}
			if row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want) || out.Len() > 0) {
				t.Errorf("%v, %q, want %q", err, out.String(), row.want)
			}
		})
	}
}

// TestFollow tells from where an upload goes on, once after each failure, and when the next fault is due.
func TestFollow(t *testing.T) {
	t.Parallel()
	f := &faults{come: make(chan struct{}, 1), due: 3 << 20}
	for i, step := range []struct {
		event syncer.EventType
		sent  int64
		text  string
		due   bool
	}{
		{syncer.EventStarted, 0, "", false},
		{syncer.EventProgress, 2 << 20, "", false},
		{syncer.EventProgress, 3 << 20, "", true},
		{syncer.EventProgress, 5 << 20, "", false},
		{syncer.EventFailed, 0, "", false},
		{syncer.EventStarted, 0, "", false},
		{syncer.EventProgress, 4 << 20, "goes on    export.zip from 4.0 MiB: 1.0 MiB is sent again", false},
		{syncer.EventProgress, 5 << 20, "", false},
	} {
		if text := f.follow(syncer.Event{Type: step.event, Sent: step.sent}); text != step.text {
			t.Errorf("step %d: %q, want %q", i, text, step.text)
		}
		due := false
		select {
		case <-f.come:
			due = true
		default:
		}
		if due != step.due {
			t.Errorf("step %d: due %v", i, due)
		}
	}
}

// TestTogether ends all parts with the first that fails, or that says that the demo is over.
func TestTogether(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context) error { <-ctx.Done(); return nil }
	fault := errors.New("fault")
	for _, row := range []struct{ part, want error }{{fault, fault}, {errOver, nil}} {
		if err := together(t.Context(), waits, func(context.Context) error { return row.part }, waits); !errors.Is(err, row.want) {
			t.Errorf("%v, want %v", err, row.want)
		}
	}
}
