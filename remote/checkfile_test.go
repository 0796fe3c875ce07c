package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// noEmpty is check-file as ProFTPD has it, but announced: the tests' server has another banner.
func noEmpty(change func(*sftptest.CheckFile)) sftptest.ServerOptions {
	c := &sftptest.CheckFile{Announce: []string{extCheckFile}}
	if change != nil {
		change(c)
	}
	return sftptest.ServerOptions{CheckFile: c}
}

func TestCheckFileIsProven(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options sftptest.ServerOptions
		faults  []sftptest.Fault
		want    string
	}{
		"by name":              {noEmpty(nil), nil, checkFileName},
		"the draft's reply":    {noEmpty(func(c *sftptest.CheckFile) { c.Draft, c.Empty = true, true }), nil, checkFileName},
		"announced as Bitvise": {noEmpty(func(c *sftptest.CheckFile) { c.Announce = []string{checkFileName, checkFileHandle} }), nil, checkFileName},
		"by handle":            {noEmpty(func(c *sftptest.CheckFile) { c.NoName = true }), nil, checkFileHandle},
		"only the handle":      {noEmpty(func(c *sftptest.CheckFile) { c.Announce = []string{checkFileHandle} }), nil, checkFileHandle},
		"neither":              {noEmpty(func(c *sftptest.CheckFile) { c.NoName, c.NoHandle = true, true }), nil, ""},
		"not announced":        {noEmpty(func(c *sftptest.CheckFile) { c.Announce = nil }), nil, ""},
		"a lie":                {noEmpty(nil), []sftptest.Fault{sftptest.WrongDigest("", 0)}, ""},
		"a lie by name":        {noEmpty(nil), []sftptest.Fault{sftptest.WrongDigest("", 1)}, checkFileHandle},
		"refused":              {noEmpty(nil), []sftptest.Fault{sftptest.Refuse(sftptest.OpCheckFile, sftptest.PermissionDenied)}, ""},
		"none":                 {sftptest.ServerOptions{}, nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, test.options, test.faults...)
			s := mustProbe(t, serverTarget(server))
			hashes(s)
			c := s.Capabilities()
			if c.CheckFile != test.want || c.Hash != "" {
				t.Fatalf("check-file by %q, command %q, want %q and none", c.CheckFile, c.Hash, test.want)
			}
			content := random(100_000)
			sum := sha256.Sum256(content)
			mustUpload(t, s, "/a.part", content)
			mustUpload(t, s, "/empty.part", nil)
			reads := server.Faults.Calls(sftptest.OpRead)
			evidence := verify(t, s, "/a.part", content, Auto)
			if want := (Evidence{Kind: CheckFile}); test.want != "" && evidence != want || test.want == "" && evidence.Kind != SizeOnly {
				t.Errorf("evidence %+v", evidence)
			}
			if n := server.Faults.Calls(sftptest.OpRead); n != reads {
				t.Errorf("%d reads for it", n-reads)
			}
			_, _, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], Content)
			if err != nil {
				t.Error(err)
			}
			server.Faults.Add(sftptest.Refuse(sftptest.OpCheckFile, sftptest.NoSuchFile))
			_, _, err = s.Hash(t.Context(), "/a.part", 1)
			wantError(t, err, Unsupported, "hash acme:/a.part: the server ")
		})
	}
}

func verify(t *testing.T, s *Session, name string, content []byte, demand Demand) Evidence {
	t.Helper()
	sum := sha256.Sum256(content)
	info, evidence, err := s.Verify(t.Context(), name, int64(len(content)), sum[:], demand)
	if err != nil || info.Size != int64(len(content)) {
		t.Errorf("verify %s, %s: size %d, %v", name, demand, info.Size, err)
	}
	return evidence
}

// ProFTPD hashes no empty file. Of one, the size says all; the evidence is called what it is, and reading back costs no
// bytes.
func TestCheckFileOfAnEmptyFile(t *testing.T) {
	t.Parallel()
	for _, empty := range []bool{false, true} {
		server, s := hostile(t, noEmpty(func(c *sftptest.CheckFile) { c.Empty = empty }))
		mustUpload(t, s, "/a.part", nil)
		want := map[Demand]string{Auto: SizeOnly, Content: ReadBack, Size: SizeOnly}
		if empty {
			want = map[Demand]string{Auto: CheckFile, Content: CheckFile, Size: SizeOnly}
		}
		for demand, kind := range want {
			if got := verify(t, s, "/a.part", nil, demand); got.Kind != kind {
				t.Errorf("empty files are hashed: %t; %s: evidence %+v, want %s", empty, demand, got, kind)
			}
		}
		server.Faults.Add(sftptest.Refuse(sftptest.OpOpen, sftptest.PermissionDenied), sftptest.Refuse(sftptest.OpCheckFile, sftptest.Unsupported))
		if got := verify(t, s, "/a.part", nil, Content); got.Kind != SizeOnly {
			t.Errorf("a file that may not be read: evidence %+v, want its size", got)
		}
		server.Faults.Clear()
		if s.Capabilities().CheckFile == "" {
			t.Error("that an empty file is refused says nothing of others")
		}
		if err := os.WriteFile(filepath.Join(server.Dir, "a.part"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(nil)
		_, _, err := s.Verify(t.Context(), "/a.part", 0, sum[:], Content)
		wantError(t, err, Integrity, "the server has 1 bytes of 0")
	}
}

// A hash command comes first, and what it cannot do the request does.
func TestLadder(t *testing.T) {
	t.Parallel()
	o := noEmpty(nil)
	o.Exec = true
	server := sftptest.StartServer(t, o)
	target := serverTarget(server)
	target.Root = "." // the directory of commands
	s := mustProbe(t, target)
	hashes(s)
	if c := s.Capabilities(); c.Hash != hashCommands[0] || c.CheckFile != checkFileName {
		t.Fatalf("capabilities %+v", c)
	}
	content := random(50_000)
	mustUpload(t, s, "a.part", content)
	if got, want := verify(t, s, "a.part", content, Auto), (Evidence{Kind: RemoteHash, Command: hashCommands[0]}); got != want {
		t.Errorf("evidence %+v, want %+v", got, want)
	}
	server.Faults.Add(sftptest.Refuse(sftptest.OpExec, sftptest.Failure))
	if got, want := verify(t, s, "a.part", content, Auto), (Evidence{Kind: CheckFile}); got != want {
		t.Errorf("without commands: evidence %+v, want %+v", got, want)
	}
	server.Faults.Add(sftptest.Refuse(sftptest.OpCheckFile, sftptest.Failure))
	for demand, kind := range map[Demand]string{Auto: SizeOnly, Content: ReadBack} {
		if got := verify(t, s, "a.part", content, demand); got.Kind != kind {
			t.Errorf("without either, %s: evidence %+v, want %s", demand, got, kind)
		}
	}
}

// A request that is not answered takes its session with it. Once it may have been the server; twice in a row, it is not made
// again.
func TestCheckFileThatHangs(t *testing.T) {
	t.Parallel()
	server, first := hostile(t, noEmpty(nil))
	target := serverTarget(server)
	target.Keepalive, target.StallTimeout = stall/4, stall
	content := random(1000)
	sum := sha256.Sum256(content)
	mustUpload(t, first, "/a.part", content)
	known := first.Capabilities()
	for n, step := range []struct {
		hangs bool
		want  string
	}{{true, checkFileName}, {false, checkFileName}, {true, checkFileName}, {true, ""}} {
		var s *Session
		err, busy := error(nil), 0
		for {
			s = mustDial(t, target)
			hashes(s)
			s.Use(known)
			if step.hangs {
				server.Faults.Add(sftptest.HangOn(sftptest.OpCheckFile))
			}
			_, _, err = s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], Auto)
			server.Faults.Clear()
			if err == nil || !strings.Contains(err.Error(), "nothing was received") {
				break
			}
			// On a busy machine the whole session may be silent for so long. That says nothing of the request.
			if hangs := s.Capabilities().CheckHangs; hangs != known.CheckHangs {
				t.Errorf("step %d: %d hangs are known after a session that was silent, want %d", n, hangs, known.CheckHangs)
			}
			if busy++; busy == 20 {
				t.Fatalf("step %d: the machine is too busy: %v", n, err)
			}
		}
		if step.hangs {
			wantError(t, err, Transient, "check-file-name /a.part was not answered within "+stall.String())
		} else if err != nil {
			t.Error(err)
		}
		if known, _ = known.Learn(s.Capabilities()); known.CheckFile != step.want {
			t.Errorf("known after step %d: %q, want %q", n, known.CheckFile, step.want)
		}
	}
}

// A server that works in order answers nothing behind a request that hangs. Whichever of them is found hanging, the one that was
// sent first is to blame: of a check-file request that is learned, and of one that waits behind another it is not.
func TestWhatHangsFirstIsBlamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		op, want string
		hangs    int
	}{
		{sftptest.OpCheckFile, checkFileName + " /a.part was not answered within", 1},
		{sftptest.OpRemove, " was not answered", 0},
	} {
		t.Run(row.op, func(t *testing.T) {
			t.Parallel()
			server, first := hostile(t, noEmpty(nil))
			mustUpload(t, first, "/a.part", random(1000))
			target := serverTarget(server)
			target.Keepalive, target.StallTimeout = stall/4, stall
			s := mustDial(t, target)
			s.Use(first.Capabilities())
			server.Faults.Add(sftptest.HangOn(row.op))
			// One that is found hanging before the check-file request is.
			w := s.watch(&watch{quiet: stall / 2, most: patience, hung: func() error { return errors.New("another was not answered") }})
			defer w.stop()
			all := []<-chan error{}
			ask := func(op string, request func() error) {
				before := s.mux.sent.Load()
				all = append(all, async(request))
				eventually(t, op+" is sent", func() bool { return s.mux.sent.Load() > before })
			}
			if row.op == sftptest.OpRemove {
				ask(row.op, func() error { return s.Remove(t.Context(), "/none") })
			}
			ask(sftptest.OpCheckFile, func() error { _, _, err := s.Hash(t.Context(), "/a.part", 1000); return err })
			for _, c := range all {
				wantError(t, soon(t, "a request", c), Transient, row.want)
			}
			if hangs := s.Capabilities().CheckHangs; hangs != row.hangs {
				t.Errorf("%d hangs are known, want %d", hangs, row.hangs)
			}
		})
	}
}

// One that has not waited long is not to blame for another that has been lost among answers to others.
func TestWhatIsLostAmongOthersIsBlamed(t *testing.T) {
	t.Parallel()
	_, s := hostile(t, noEmpty(nil))
	mustUpload(t, s, "/a.part", random(1000))
	s.note(func(c *Capabilities) { c.CheckFile = checkFileName })
	w := s.watch(&watch{quiet: patience, most: stall / 2, hung: func() error { return errors.New("this one was lost") }})
	defer w.stop()
	for begun := time.Now(); s.Err() == nil && time.Since(begun) < patience; {
		_, _, _ = s.Hash(t.Context(), "/a.part", 1000) // one is nearly always under way
	}
	if err := s.Err(); err == nil || err.Error() != "this one was lost" {
		t.Errorf("the session ended with %v", err)
	}
}

func TestCheckFileThatLies(t *testing.T) {
	t.Parallel()
	content := random(50_000)
	sum := sha256.Sum256(content)
	_, s := hostile(t, noEmpty(nil), sftptest.WrongDigest("*.part", 0))
	hashes(s)
	mustUpload(t, s, "/a.part", content)
	if got := verify(t, s, "/a.part", content, Auto); got.Kind != ReadBack {
		t.Errorf("evidence %+v, want that reading back has the last word", got)
	}
	if learned, changed := (Capabilities{Version: ProbeVersion, CheckFile: checkFileName, Stat: true}).Learn(s.Capabilities()); !changed || learned.CheckFile != "" {
		t.Errorf("%+v is learned", learned)
	}
	server, s := hostile(t, noEmpty(nil), sftptest.Corrupt("*.part", 1))
	mustUpload(t, s, "/a.part", content)
	_, _, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], Auto)
	wantError(t, err, Integrity, fmt.Sprintf("sent %x", sum))
	server.Faults.Add(sftptest.Refuse(sftptest.OpOpen, sftptest.PermissionDenied))
	_, _, err = s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], Auto)
	wantError(t, err, Integrity, fmt.Sprintf("sent %x", sum))
}

// Many files are asked for at once: nobody waits for the reply to another.
func TestCheckFilesTogether(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, noEmpty(nil))
	s := mustProbe(t, serverTarget(server))
	const files = 20
	for i := range files {
		mustUpload(t, s, fmt.Sprint("/", i), []byte{byte(i)})
	}
	wire := sftptest.StartWire(t, server.Addr())
	wire.SetDelay(200 * time.Millisecond)
	target := serverTarget(server)
	target.Host, target.Port = wire.Host(), wire.Port()
	far := mustDial(t, target)
	far.Use(s.Capabilities())
	begun := time.Now()
	var all []<-chan error
	for i := range files {
		all = append(all, async(func() error {
			sum, means, err := far.Hash(t.Context(), fmt.Sprint("/", i), 1)
			if want := sha256.Sum256([]byte{byte(i)}); err == nil && (!bytes.Equal(sum, want[:]) || means != checkFileName) {
				err = fmt.Errorf("file %d: %x by %s, want %x", i, sum, means, want)
			}
			return err
		}))
	}
	for _, c := range all {
		if err := soon(t, "hash", c); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(begun); took > files/2*400*time.Millisecond { // one after the other it is twice that
		t.Errorf("%d hashes took %v", files, took)
	}
}

// A server that leaves the request unanswered keeps the probe waiting, and no longer than that.
func TestCheckFileWithoutAnswer(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, noEmpty(func(c *sftptest.CheckFile) { c.Mute = true }))
	target := serverTarget(server)
	target.StallTimeout = stall
	s := mustProbe(t, target)
	if c := s.Capabilities(); c.CheckFile != "" || !c.PosixRename {
		t.Errorf("capabilities %+v", c)
	}
	if taken := s.mux.flying.taken; taken != 0 {
		t.Errorf("%d requests count as under way", taken)
	}
}

// A reply that comes too late is nobody's, and counts once.
func TestLateReplyIsDropped(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{})
	server.Faults.Add(sftptest.HangOn(sftptest.OpRemove))
	over := make(chan time.Time, 1)
	over <- time.Time{}
	if _, err := s.mux.callUntil(over, nil, packetRemove, appendString(nil, "/none")); !errors.Is(err, errNoReply) {
		t.Errorf("given up: %v", err)
	}
	server.Faults.Clear()
	if _, err := s.Stat(t.Context(), "/"); err != nil {
		t.Error(err)
	}
	if taken := s.mux.flying.taken; taken != 0 {
		t.Errorf("%d requests count as under way", taken)
	}
}

func TestCheckFileEndsWithTheSession(t *testing.T) {
	t.Parallel()
	for _, form := range []string{checkFileName, checkFileHandle} {
		server, s := hostile(t, noEmpty(nil), sftptest.CutOn(sftptest.OpCheckFile))
		s.note(func(c *Capabilities) { c.CheckFile = form })
		mustUpload(t, s, "/a", nil)
		_, _, err := s.Hash(t.Context(), "/a", 0)
		wantError(t, err, Transient, "hash acme:/a: ")
		wantDead(t, s)
		if s.Capabilities().CheckFile != form || s.handles.taken != 0 {
			t.Error("a lost connection says nothing of the request")
		}
		probed := mustDial(t, serverTarget(server))
		server.Faults.Add(sftptest.CutOn(sftptest.OpCheckFile))
		_, err = probed.Probe(t.Context(), time.Now())
		wantError(t, err, Transient)
	}
}

func TestCheckFileForms(t *testing.T) {
	t.Parallel()
	both := []string{checkFileName, checkFileHandle}
	for name, test := range map[string]struct {
		banner     string
		extensions map[string]string
		want       []string
	}{
		"OpenSSH":            {"SSH-2.0-OpenSSH_9.2", map[string]string{extFsync: "1"}, nil},
		"ProFTPD":            {"SSH-2.0-mod_sftp", nil, both},
		"ProFTPD, versioned": {"SSH-2.0-mod_sftp/1.0.0", nil, both},
		"Bitvise":            {"SSH-2.0-9.99 FlowSsh: Bitvise SSH Server (WinSSHD) 9.99", nil, both},
		"announced":          {"SSH-2.0-X", map[string]string{extCheckFile: ""}, both},
		"one announced":      {"SSH-2.0-X", map[string]string{checkFileHandle: "1"}, []string{checkFileHandle}},
		"within supported2":  {"SSH-2.0-X", map[string]string{"supported2": "\x00\x00\x00\x0fcheck-file-name"}, both},
	} {
		if got := checkFileForms(test.banner, test.extensions); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestParseCheckFile(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256(nil)
	reply := func(digest []byte, words ...string) []byte {
		b := []byte{packetReply, 0, 0, 0, 1}
		for _, w := range words {
			b = appendString(b, w)
		}
		return append(b, digest...)
	}
	for name, test := range map[string]struct {
		reply []byte
		want  []byte
	}{
		"ProFTPD":         {reply(sum[:], "sha256"), sum[:]},
		"the draft":       {reply(sum[:], "check-file", "sha256"), sum[:]},
		"another hash":    {reply(sum[:], "sha512"), nil},
		"MD5":             {reply(sum[:16], "md5"), nil},
		"too short":       {reply(sum[:31], "sha256"), nil},
		"too long":        {reply(append(sum[:], 0), "sha256"), nil},
		"two blocks":      {reply(append(sum[:], sum[:]...), "sha256"), nil},
		"none":            {reply(nil, "sha256"), nil},
		"as a string":     {reply(nil, "sha256", string(sum[:])), nil},
		"no algorithm":    {reply(sum[:], "check-file"), nil},
		"cut short":       {[]byte{packetReply, 0, 0, 0, 1, 0, 0, 0, 9, 's'}, nil},
		"no reply at all": {[]byte{packetReply}, nil},
		"empty":           {nil, nil},
		"OK":              {[]byte{packetStatus, 0, 0, 0, 1, 0, 0, 0, 0}, nil},
		"a refusal":       {[]byte{packetStatus, 0, 0, 0, 1, 0, 0, 0, 8}, nil},
		"a handle":        {append([]byte{packetHandle, 0, 0, 0, 1}, sum[:]...), nil},
	} {
		got, err := parseCheckFile(test.reply)
		if (err == nil) != (test.want != nil) || !bytes.Equal(got, test.want) {
			t.Errorf("%s: %x, %v, want %x", name, got, err, test.want)
		}
	}
}

// What the first version of this program stored can be read, and is worth another probe.
func TestCapabilitiesOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	const stored = `{"identity":"x","banner":"SSH-2.0-OpenSSH_9.2","extensions":{"limits@openssh.com":"1"},"limits":{"packet":262144,"read":261120,"write":261120,"handles":1019},` +
		`"fsync":true,"rename":true,"rename_refuses":true,"posix_rename":true,"set_times":true,"statvfs":true,"hash":"xargs -0 sha256sum","probed_at":"2025-05-06T06:08:09Z"}`
	var c Capabilities
	if err := json.Unmarshal([]byte(stored), &c); err != nil {
		t.Fatal(err)
	}
	if c.Current(time.Now()) || c.Hash != "xargs -0 sha256sum" || !c.PosixRename || c.ProbedAt.IsZero() {
		t.Errorf("read as %+v", c)
	}
	text, err := json.Marshal(Capabilities{})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	var before map[string]any
	if err := json.Unmarshal([]byte(stored), &before); err != nil {
		t.Fatal(err)
	}
	for name := range before {
		if _, ok := fields[name]; !ok {
			t.Errorf("%s is not written any more", name)
		}
	}
	if !reflect.DeepEqual(c.Limits, Limits{Packet: 262144, Read: 261120, Write: 261120, Handles: 1019}) {
		t.Errorf("limits %+v", c.Limits)
	}
}
