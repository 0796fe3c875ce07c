package control

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCommandRoundTrip(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	want := Outcome{
		Verb: VerbResend, Target: "06gz", Count: 1, ID: "07", RemotePath: "/in/\x02", Source: nasty, SourceB64: []byte(nasty),
		Pauses: []Pause{{Folder: "f", Since: at}}, Renamed: []Renamed{{"1", "/in/b"}}, Destinations: []string{"acme"}, Released: 2,
	}
	var heard Command
	dir := stateDir(t)
	serve(t, dir, fake{command: func(_ context.Context, c Command) (Outcome, error) { heard = c; return want, nil }})
	sent := Command{
		Verb: VerbRetry, Target: "folder:\x1b\"", Overwrite: true, KeepBoth: true,
		Damages: []Damage{{Path: []byte(nasty), RemotePath: []byte("/in/\xff"), Size: 7, SHA256: []byte{0, 255}, Remedy: RemedyHold, Why: "x"}},
	}
	got, err := dial(t, dir).Command(t.Context(), sent)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if !reflect.DeepEqual(heard, sent) {
		t.Errorf("heard %+v, want %+v", heard, sent)
	}
}

// A refusal keeps its kind, on which the exit code hangs; any other error only its text.
func TestRefusals(t *testing.T) {
	var fail error
	dir := stateDir(t)
	serve(t, dir, fake{command: func(context.Context, Command) (Outcome, error) { return Outcome{}, fail }})
	c := dial(t, dir)
	for _, fail = range []error{&Refusal{Text: "no such \xff", Usage: true}, &Refusal{Text: "too late"}, errors.New("disk full")} {
		_, err := c.Command(t.Context(), Command{Verb: VerbCancel, Target: "x"})
		var want, got *Refusal
		if err == nil || err.Error() != fail.Error() || errors.As(fail, &want) != errors.As(err, &got) || !reflect.DeepEqual(got, want) {
			t.Errorf("got %#v, want %#v", err, fail)
		}
	}
}

func TestRefusedCommands(t *testing.T) {
	obeyed := 0
	dir := stateDir(t)
	serve(t, dir, fake{command: func(_ context.Context, c Command) (Outcome, error) {
		obeyed++
		return Outcome{}, &Refusal{Text: "refused " + c.Target, Usage: c.Target == "words"}
	}})
	c := dial(t, dir)
	for _, test := range []struct {
		name, method, body, want string
		status                   int
	}{
		{"its words", "POST", `{"command":"pause","target":"words"}`, "refused words", 400},
		{"its time", "POST", `{"command":"pause","target":"time"}`, "refused time", 409},
		{"method", "GET", "", "only POST", 405},
		{"nothing", "POST", "", "read the command", 400},
		{"no JSON", "POST", "pause", "read the command", 400},
		{"a list", "POST", "[]", "read the command", 400},
		{"a condition that is not known", "POST", `{"command":"cancel","target":"x","dry_run":true}`, "dry_run", 400},
		{"two", "POST", `{"command":"pause"} {"command":"cancel"}`, "more than one", 400},
		{"too long", "POST", `{"target":"` + strings.Repeat("x", commandLimit) + `"}`, "at most 65536 bytes", 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), test.method, "http://agent/api/v1/commands", strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", bearer(c.address.token))
			status, f := exchange(t, c, r)
			if status != test.status || !strings.Contains(f.Error, test.want) {
				t.Errorf("got %d %q, want %d %q", status, f.Error, test.status, test.want)
			}
		})
	}
	if obeyed != 2 {
		t.Errorf("%d commands were obeyed, want 2", obeyed)
	}
	for _, body := range []string{`{"command":"pause","target":"` + strings.Repeat("x", commandLimit-40) + `"}`} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://agent/api/v1/commands", unsized{strings.NewReader(body + strings.Repeat(" ", 100))})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", bearer(c.address.token))
		if status, _ := exchange(t, c, r); status != http.StatusRequestEntityTooLarge {
			t.Errorf("a body of unknown length: %d", status)
		}
	}
}

// unsized hides how long a body is, so that it is sent in chunks.
type unsized struct{ r *strings.Reader }

func (u unsized) Read(b []byte) (int, error) { return u.r.Read(b) }
