package remote

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestProfiles(t *testing.T) {
	t.Parallel()
	var tried []string
	for _, p := range profiles {
		if p.product == "" || p.tried && len(p.banner) == 0 {
			t.Errorf("%s: %+v", p.name, p)
		}
		if p.tried {
			tried = append(tried, p.name)
		}
		var subjects []subject
		for _, c := range p.choices {
			if c.why == "" || c.most < 0 || slices.Contains(subjects, c.about) {
				t.Errorf("%s: %+v", p.name, c)
			}
			subjects = append(subjects, c.about)
		}
	}
	if want := []string{"openssh", "proftpd", "dropbear"}; !slices.Equal(tried, want) { // those that TestServers of internal/e2e has
		t.Errorf("tried: %q, want %q", tried, want)
	}
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	openSSHs := map[string]string{"users-groups-by-id@openssh.com": "1"}
	for _, row := range []struct {
		banner     string
		extensions map[string]string
		name, by   string
	}{
		{"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", nil, "openssh", byBanner},
		{"SSH-2.0-OpenSSH_for_Windows_9.5", nil, "openssh", byBanner},
		{"SSH-2.0-dropbear_2022.83", openSSHs, "dropbear", byBanner},
		{"SSH-2.0-own", openSSHs, "openssh", byExtensions},
		{"SSH-2.0-AWS_SFTP_1.1", nil, "aws-transfer", byBanner},
		{"SSH-2.0-AzureSSH_1.0.0", nil, "azure-blob", byBanner},
		{"SSH-2.0-mod_sftp", nil, "proftpd", byBanner},
		{"SSH-2.0-mod_sftp/1.1.1", openSSHs, "proftpd", byBanner},
		{"SSH-2.0-SFTPGo_2.6.6", nil, "sftpgo", byBanner},
		{"SSH-2.0-9.41 FlowSsh: Bitvise SSH Server (WinSSHD) 9.41", nil, "bitvise", byBanner},
		{"SSH-2.0-CrushFTPSSHD_5", nil, "crushftp", byBanner},
		{"SSH-2.0-GoAnywhere7.4.1", nil, "goanywhere", byBanner},
		{"SSH-2.0-Go", nil, "", ""},
	} {
		p, by := recognise(row.banner, row.extensions)
		if p.name != row.name || by != row.by {
			t.Errorf("%s: %q by %q, want %q by %q", row.banner, p.name, by, row.name, row.by)
		}
	}
}

func TestProfileFindings(t *testing.T) {
	t.Parallel()
	texts := func(c Capabilities) (all string) {
		for _, f := range c.Consequences() {
			all += f.Name + ": " + f.Text + "\n"
		}
		return all
	}
	for _, row := range []struct {
		c     Capabilities
		parts []string
	}{
		{Capabilities{}, []string{"profile: none is known for this server"}},
		{Capabilities{Profile: "openssh", ProfileBy: byBanner}, []string{"profile: openssh, by its banner: tried with the real OpenSSH\n"}},
		{Capabilities{Profile: "strict-mft", ProfileBy: byConfiguration}, []string{
			"profile: strict-mft, by the configuration: for a server that takes the least\n", "packet size: writes of 32 KiB at most (profile strict-mft): every",
			"open files: at most 1 at once (profile strict-mft): ", "requests: at most 1 at once", "commands: not asked for", "fsync: not asked for",
		}},
		{Capabilities{Profile: "aws-transfer", ProfileBy: byBanner}, []string{
			"from documentation, never tried with the real AWS Transfer Family", "set time: not asked for (profile aws-transfer): S3 keeps no times",
			"wide uploads: not used (profile aws-transfer): ", "channels: at most 8 at once",
		}},
	} {
		for _, part := range row.parts {
			if got := texts(row.c); !strings.Contains(got, part) {
				t.Errorf("%q is not in:\n%s", part, got)
			}
		}
	}
}

// TestServersByProfile delivers to servers that do what a profile warns of: none of it is asked of them.
func TestServersByProfile(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		target  string // profile in the configuration; "" leaves it to the banner
		options sftptest.ServerOptions
		faults  []sftptest.Fault
		unasked []string
	}{
		{"aws-transfer", "", sftptest.ServerOptions{Banner: "SSH-2.0-AWS_SFTP_1.1", Exec: true, MaxSessions: 10}, []sftptest.Fault{sftptest.DiscardOnSetstat(), sftptest.NoFsync(), sftptest.NoPosixRename()}, []string{sftptest.OpSetstat, sftptest.OpExec}},
		{"azure-blob", "", sftptest.ServerOptions{Banner: "SSH-2.0-AzureSSH_1.0.0", Exec: true}, []sftptest.Fault{sftptest.NoStatVFS(), sftptest.NoPosixRename()}, []string{sftptest.OpFsync, sftptest.OpExec}},
		{"crushftp", "", sftptest.ServerOptions{Banner: "SSH-2.0-CrushFTPSSHD_5"}, []sftptest.Fault{sftptest.MaxInFlight(1), sftptest.SlowAcks(time.Millisecond)}, []string{sftptest.OpExec}},
		{"goanywhere", "", sftptest.ServerOptions{Banner: "SSH-2.0-GoAnywhere7.4.1"}, []sftptest.Fault{sftptest.OneOpenFile()}, []string{sftptest.OpExec, sftptest.OpPosixRename}},
		{"sftpgo", "", sftptest.ServerOptions{Banner: "SSH-2.0-SFTPGo_2.6.6"}, []sftptest.Fault{sftptest.NoFsync()}, []string{sftptest.OpExec}},
		{"bitvise", "", sftptest.ServerOptions{Banner: "SSH-2.0-9.41 FlowSsh: Bitvise SSH Server (WinSSHD) 9.41"}, []sftptest.Fault{sftptest.NoPosixRename()}, nil},
		{"strict-mft", "strict-mft", sftptest.ServerOptions{Exec: true, Limits: &sftptest.Limits{Packet: 262144, Write: 261120}, CheckFile: &sftptest.CheckFile{}}, []sftptest.Fault{
			sftptest.MaxInFlight(1), sftptest.SlowAcks(time.Millisecond), sftptest.OneOpenFile(), sftptest.MaxWrite(32 << 10), sftptest.DiscardOnSetstat(),
		}, []string{sftptest.OpExec, sftptest.OpPosixRename, sftptest.OpFsync, sftptest.OpCheckFile, sftptest.OpSetstat}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, row.options, row.faults...)
			target := serverTarget(server)
			target.Profile = row.target
			s := mustProbe(t, target)
			if c := s.Capabilities(); c.Profile != row.name || c.MaxOpen != 0 || c.InFlight != 0 || !c.Rename {
				t.Errorf("capabilities: %+v", c)
			}
			for i, size := range []int{0, 5, 200 << 10} {
				content := random(size)
				temp, final := "/in/.part"+string(rune('a'+i))+".part", "/in/f"+string(rune('a'+i))
				u := Upload{Temp: temp, Size: int64(size), ModTime: time.Unix(1e9, 0)}
				if _, err := s.Upload(t.Context(), u, strings.NewReader(string(content))); err != nil {
					t.Fatal(err)
				}
				sum := sha256.Sum256(content)
				if _, e, err := s.Verify(t.Context(), temp, int64(size), sum[:], Auto); err != nil || e.Kind == RemoteHash || e.Kind == CheckFile {
					t.Errorf("verify: %+v, %v", e, err)
				}
				for range 2 { // the second replaces an own version
					if err := s.Publish(t.Context(), temp, final, true); err != nil {
						t.Fatal(err)
					}
					mustUpload(t, s, temp, content)
				}
				if err := s.SetMode(t.Context(), final, 0o640); row.name != "crushftp" && row.name != "goanywhere" && err != nil {
					t.Error(err)
				}
				holds(t, content, server.Dir, final)
			}
			for _, op := range row.unasked {
				if n := server.Faults.Calls(op); n > 0 {
					t.Errorf("%s was asked %d times", op, n)
				}
			}
			if server.Stats().Connections != 1 {
				t.Errorf("%d connections", server.Stats().Connections)
			}
		})
	}
}

// TestWideUploadsByProfile has files go over several channels only where the storage behind takes them so, as far as is known; and
// no more channels than a profile bears, whatever the configuration says.
func TestWideUploadsByProfile(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, banner string
		wide         bool
		channels     int
	}{
		{"bitvise", "SSH-2.0-9.41 FlowSsh: Bitvise SSH Server (WinSSHD) 9.41", true, 20},
		{"aws-transfer", "SSH-2.0-AWS_SFTP_1.1", false, 8},
		{"azure-blob", "SSH-2.0-AzureSSH_1.0.0", false, 20},
		{"sftpgo", "SSH-2.0-SFTPGo_2.6.6", false, 20},
		{"crushftp", "SSH-2.0-CrushFTPSSHD_5", false, 1},
		{"goanywhere", "SSH-2.0-GoAnywhere7.4.1", false, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, sftptest.ServerOptions{
				Banner: row.banner, Limits: &sftptest.Limits{Packet: 262144, Write: 261120}, CheckFile: &sftptest.CheckFile{},
			})
			wire := sftptest.StartWire(t, server.Addr())
			wire.SetDelay(laneFrom)
			target := serverTarget(server)
			target.Host, target.Port, target.Channels = wire.Host(), wire.Port(), 20
			s := mustProbe(t, target)
			if n := s.mostLanes(); n != row.channels || s.Capabilities().Profile != row.name {
				t.Errorf("%d channels, want %d; profile %q", n, row.channels, s.Capabilities().Profile)
			}
			content := random(5 << 20)
			u := Upload{Temp: "/wide.part", Size: int64(len(content)), Proved: true}
			if wide := s.mayStripe(&u) && s.mostLanes() > 1; wide != row.wide {
				t.Errorf("over several channels: %t", wide)
			}
			sum, err := s.Upload(t.Context(), u, bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Verify(t.Context(), u.Temp, u.Size, sum, Content); err != nil {
				t.Error(err)
			}
			if s.Capabilities().Stripes != "" && !row.wide { // it would have been noted
				t.Error("it went over several channels")
			}
			holds(t, content, server.Dir, u.Temp)
		})
	}
}

// TestProfileOfTheConfiguration counts for more than what the server shows, and the target's own numbers for more than both.
func TestProfileOfTheConfiguration(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Banner: "SSH-2.0-CrushFTPSSHD_5"})
	target := serverTarget(server)
	own := mustDial(t, target)
	if own.bound(aboutRequests) != 1 || own.mux.flying.bound() != 1 {
		t.Error("the banner's profile bounds nothing")
	}
	target.Profile = "openssh"
	other := mustDial(t, target)
	if other.mux.flying.bound() != 0 || other.Identity() == own.Identity() {
		t.Error("another profile in the configuration changes nothing")
	}
	target.Profile, target.Requests, target.OpenFiles = AutoProfile, 7, 2
	s := mustProbe(t, target)
	if s.mux.flying.bound() != 7 || s.OpenFiles() != 2 || s.mostLanes() != 1 {
		t.Errorf("%d requests, %d files, %d channels", s.mux.flying.bound(), s.OpenFiles(), s.mostLanes())
	}
	if s.Identity() != own.Identity() {
		t.Error("what was probed counts no longer, although nothing of it has changed")
	}
}
