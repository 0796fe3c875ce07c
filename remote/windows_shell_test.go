package remote

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// windowsShell does what a Windows server's commands do, as far as they are ours: it finds files under dir, where C:
// is a directory.
type windowsShell struct {
	dir        string
	powerShell bool // it is installed
	stdin      int  // how many lines of input arrive
	certutil   bool

	mu   sync.Mutex
	runs map[string]int // form to how often it ran
}

func (w *windowsShell) run(_ context.Context, command string, in io.Reader, out io.Writer) uint32 {
	switch {
	case strings.HasPrefix(command, "powershell ") && w.powerShell:
		return w.runProgram(command, in, out)
	case strings.HasPrefix(command, "certutil ") && w.certutil:
		w.count(certUtil)
		p := strings.Fields(command)[2]
		digest, err := w.digest(p)
		if err != nil {
			_, _ = fmt.Fprint(out, "CertUtil: -hashfile-Befehl ist fehlgeschlagen: 0x80070002\r\n") // a client that is gone reads nothing
			return 2
		}
		_, _ = fmt.Fprintf(out, "SHA256-Hash von %s:\r\n%x\r\nCertUtil: -hashfile-Befehl wurde erfolgreich ausgef\x81hrt.\r\n", p, digest) // likewise
		return 0
	}
	word, _, _ := strings.Cut(command, " ")
	w.count(word)
	_, _ = fmt.Fprintf(out, "'%s' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n", word) // likewise
	return 1
}

func (w *windowsShell) runProgram(command string, in io.Reader, out io.Writer) uint32 {
	program, err := decodeProgram(command)
	if err != nil {
		return 1
	}
	var names []string
	form := psNames
	if strings.Contains(program, "$l in $input") {
		form = psInput
		for lines := bufio.NewScanner(in); lines.Scan() && len(names) < w.stdin; {
			names = append(names, lines.Text())
		}
	} else {
		for _, quoted := range regexp.MustCompile(`'([A-Za-z0-9+/=]+)'[,)]`).FindAllStringSubmatch(program, -1) {
			names = append(names, quoted[1])
		}
	}
	w.count(form)
	for i, name := range names {
		p, err := base64.StdEncoding.DecodeString(strings.TrimSpace(name))
		if err != nil {
			continue
		}
		if digest, err := w.digest(string(p)); err == nil {
			_, _ = fmt.Fprintf(out, "%X *%d\r\n", digest, i) // likewise
		}
	}
	return 0
}

func (w *windowsShell) digest(name string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(w.dir, strings.ReplaceAll(name, `\`, "/")))
	sum := sha256.Sum256(content)
	return sum[:], err
}

func (w *windowsShell) count(form string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs == nil {
		w.runs = map[string]int{}
	}
	w.runs[form]++
}

func TestHashAtAWindowsServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shell *windowsShell
		want  string
	}{
		"PowerShell":              {&windowsShell{powerShell: true, stdin: 1 << 20, certutil: true}, psInput},
		"no input arrives":        {&windowsShell{powerShell: true, certutil: true}, psNames},
		"no PowerShell":           {&windowsShell{certutil: true}, certUtil},
		"neither":                 {&windowsShell{}, ""},
		"some input is swallowed": {&windowsShell{powerShell: true, stdin: 5}, psInput},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := test.shell
			w.dir = t.TempDir()
			if err := os.MkdirAll(filepath.Join(w.dir, "C:", "in"), 0o755); err != nil {
				t.Fatal(err)
			}
			server := sftptest.StartServer(t, sftptest.ServerOptions{
				Dir: w.dir, Exec: true, Shell: w.run, Banner: "SSH-2.0-OpenSSH_for_Windows_9.5",
			})
			target := serverTarget(server)
			target.Root = "/C:/in"
			s := mustProbe(t, target)
			hashes(s)
			if c := s.Capabilities(); c.Hash != test.want || c.CheckFile != "" {
				t.Fatalf("hash by %q, want %q", c.Hash, test.want)
			}
			content := random(30_000)
			for file, special := range map[string]bool{"a.part": false, "Büro & Co (1).part": true, "$(calc)';`x`.part": true} {
				mustUpload(t, s, target.Path(file), content)
				want := Evidence{Kind: RemoteHash, Command: test.want}
				if test.want == "" || test.want == certUtil && special {
					want = Evidence{Kind: SizeOnly}
				}
				if got := verify(t, s, target.Path(file), content, Auto); got != want {
					t.Errorf("%s: evidence %+v, want %+v", file, got, want)
				}
			}
			if test.want == "" {
				return
			}
			const files = 40
			var all []<-chan error
			for i := range files {
				mustUpload(t, s, target.Path(fmt.Sprint(i)), []byte{byte(i)})
			}
			before := w.runs[test.want]
			for i := range files {
				all = append(all, async(func() error {
					sum, means, err := s.Hash(t.Context(), target.Path(fmt.Sprint(i)), 1)
					if want := sha256.Sum256([]byte{byte(i)}); err == nil && (!bytes.Equal(sum, want[:]) || means != test.want) {
						err = fmt.Errorf("file %d: %x by %s, want %x", i, sum, means, want)
					}
					return err
				}))
			}
			missing := async(func() error { _, _, err := s.Hash(t.Context(), target.Path("none"), 1); return err })
			for _, c := range all {
				if err := soon(t, "hash", c); err != nil {
					t.Error(err)
				}
			}
			wantError(t, soon(t, "hash", missing), Unsupported)
			if runs := w.runs[test.want] - before; test.want == psInput && runs > files/2 {
				t.Errorf("%d commands for %d files", runs, files)
			}
		})
	}
}

// A Unix server is not asked for PowerShell.
func TestNoWindowsCommandsElsewhere(t *testing.T) {
	t.Parallel()
	w := &windowsShell{}
	server := sftptest.StartServer(t, sftptest.ServerOptions{Exec: true, Shell: w.run})
	s := mustProbe(t, serverTarget(server))
	if want := map[string]int{"xargs": len(hashCommands)}; !reflect.DeepEqual(w.runs, want) || s.Capabilities().Hash != "" {
		t.Errorf("commands run: %v, want %v", w.runs, want)
	}
}
