package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestWindowsPath(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/C:/dir/file":          `C:\dir\file`,
		"/c:/file":              `c:\file`,
		"C:/dir/file":           `C:\dir\file`,
		"/dir/file":             `\dir\file`,
		"dir/file":              `.\dir\file`,
		"-file":                 `.\-file`,
		"/C:/Büro/Ärger & Co;x": `C:\Büro\Ärger & Co;x`,
		"/C:/a'b$(calc)`x`":     "C:\\a'b$(calc)`x`", // it goes as base64
		"/C:":                   "",
		"":                      "",
		"/C:/a:stream":          "",
		"/C:/a?":                "",
		"/C:/*":                 "",
		`/C:/a\b`:               "",
		`/C:/a"b`:               "",
		"/C:/a|b":               "",
		"/C:/a\nb":              "",
		"/C:/a\x00b":            "",
		"/C:/a\xff":             "",
		"//server/share":        "",
		"/C://server/share":     "",
		"/Env:/PATH":            "",
		"/1:/a":                 "",
	} {
		got, ok := windowsPath(name)
		if got != want || ok != (want != "") {
			t.Errorf("%q is %q, %t, want %q", name, got, ok, want)
		}
	}
}

// decodeProgram returns the program of a PowerShell command line.
func decodeProgram(line string) (string, error) {
	_, encoded, ok := strings.Cut(line, " -EncodedCommand ")
	b, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || !strings.HasPrefix(line, "powershell ") {
		return "", fmt.Errorf("no program in %q: %w", line, err)
	}
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	return string(utf16.Decode(units)), nil
}

// No character of a name is in what a shell reads, whatever it is called.
func TestWindowsCommandsHoldNoNames(t *testing.T) {
	t.Parallel()
	plain := []string{"/C:/in/a.part", "b/c.part"}
	vile := []string{"/C:/in/&calc&", "/C:/in/');calc;('", "/C:/in/$(calc)", "/C:/in/`calc`", "/C:/in/%PATH%", "/C:/in/@@", "$input"}
	onlyCode := regexp.MustCompile(`^powershell [A-Za-z -]+ -EncodedCommand [A-Za-z0-9+/=]+$`)
	forms := windowsForms()
	for _, form := range forms[:2] {
		var lines []string
		for _, names := range [][]string{plain, vile[:2], vile} {
			line, input, err := form.command(names)
			if err != nil {
				t.Fatal(err)
			}
			if !onlyCode.MatchString(line) || len(line) > mostLine {
				t.Errorf("%s: the line is %q", form.name, line)
			}
			program, err := decodeProgram(line)
			if err != nil {
				t.Fatal(err)
			}
			listed := regexp.MustCompile(`foreach\(\$l in ('[A-Za-z0-9+/=,']+'|\$input)\)`).FindStringSubmatch(program)
			if listed == nil || strings.Count(program, "calc") > 0 {
				t.Errorf("%s: the program is %q", form.name, program)
			}
			if bytes.ContainsAny(input, "$&`%;'(") {
				t.Errorf("%s: the input is %q", form.name, input)
			}
			lines = append(lines, line)
		}
		if form.name == psInput && (lines[0] != lines[1] || lines[1] != lines[2]) {
			t.Error("the line depends on the names")
		}
	}
	certutil := forms[2]
	for _, name := range append([]string{"/C:/a b", "/C:/Büro", "/C:/a^b", "/C:/a%b", "/C:/a!b", "/C:/a,b", "/C:/a=b", "/C:/a/"}, vile...) {
		if certutil.takes(name) {
			t.Errorf("certutil is given %q", name)
		}
	}
	for name, want := range map[string]string{
		"/C:/in/a-1.part": `certutil -hashfile C:\in\a-1.part SHA256`,
		"-x/.y.part":      `certutil -hashfile .\-x\.y.part SHA256`,
	} {
		line, _, err := certutil.command([]string{name})
		if !certutil.takes(name) || err != nil || line != want {
			t.Errorf("%q: %q, %v, want %q", name, line, err, want)
		}
	}
}

func TestNamesThatAreTooLongForALine(t *testing.T) {
	t.Parallel()
	form := formOf(psNames)
	long := "/C:/" + strings.Repeat("ä", 200)
	if _, _, err := form.command([]string{long}); err != nil {
		t.Errorf("one name: %v", err)
	}
	if _, _, err := form.command([]string{long, long, long, long, long, long, long}); !errors.Is(err, errTooLong) {
		t.Errorf("seven names: %v", err)
	}
}

func TestParseNumbered(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("0a", 32), strings.Repeat("B1", 32)
	first, second := bytes.Repeat([]byte{0x0a}, 32), bytes.Repeat([]byte{0xb1}, 32)
	for name, test := range map[string]struct {
		out  string
		want [][]byte
	}{
		"nothing":            {"", [][]byte{nil, nil}},
		"both":               {a + " *0\r\n" + b + " *1\r\n", [][]byte{first, second}},
		"in another order":   {b + " *1\n" + a + " *0\n", [][]byte{first, second}},
		"a mark before":      {"\ufeff" + a + " *0\r\n", [][]byte{first, nil}},
		"a profile's text":   {"Welcome\r\n" + b + " *1\r\n#< CLIXML\r\n", [][]byte{nil, second}},
		"no end of line":     {a + " *0", [][]byte{first, nil}},
		"another number":     {a + " *2\r\n" + b + " *-1\r\n", [][]byte{nil, nil}},
		"no number":          {a + " *\r\n" + b + "\r\n", [][]byte{nil, nil}},
		"no digest":          {" *0\r\n", [][]byte{nil, nil}},
		"a short one":        {a[2:] + " *0\r\n", [][]byte{nil, nil}},
		"a contradiction":    {a + " *0\r\n" + b + " *0\r\n" + a + " *0\r\n", [][]byte{nil, nil}},
		"said twice":         {a + " *0\r\n" + a + " *0\r\n", [][]byte{first, nil}},
		"a huge number":      {a + " *99999999999999999999\r\n", [][]byte{nil, nil}},
		"old Macintosh ends": {a + " *0\r" + b + " *1\r", [][]byte{nil, nil}},
	} {
		if got := parseNumbered([]byte(test.out), 2); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %x, want %x", name, got, test.want)
		}
	}
}

func TestParseCertUtil(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("0a", 32)
	spaced := strings.TrimSpace(strings.Repeat("0a ", 32))
	sum := [][]byte{bytes.Repeat([]byte{0x0a}, 32)}
	for name, test := range map[string]struct {
		out  string
		want [][]byte
	}{
		"Windows 10":     {"SHA256 hash of C:\\in\\a.part:\r\n" + digits + "\r\nCertUtil: -hashfile command completed successfully.\r\n", sum},
		"Windows 7":      {"SHA256 hash of file C:\\in\\a.part:\r\n" + spaced + "\r\nCertUtil: -hashfile command completed successfully.\r\n", sum},
		"German":         {"SHA256-Hash von C:\\in\\a.part:\r\n" + digits + "\r\nCertUtil: -hashfile-Befehl wurde erfolgreich ausgef\x81hrt.\r\n", sum},
		"Japanese":       {"SHA256 \x83n\x83b\x83V\x83\x85 (C:\\in\\a.part):\r\n" + digits + "\r\nCertUtil: -hashfile \x83R\x83}\x83\x93\x83h\r\n", sum},
		"a mark before":  {"\ufeff" + digits + "\r\n", sum},
		"a missing file": {"CertUtil: -hashfile command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)\r\n", nil},
		"not there":      {"'certutil' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n", nil},
		"two":            {digits + "\r\n" + digits + "\r\n", nil},
		"SHA-1":          {digits[:40] + "\r\n", nil},
		"nothing":        {"", nil},
	} {
		if got := parseCertUtil([]byte(test.out), 1); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %x, want %x", name, got, test.want)
		}
	}
}

func TestWindowsIsRecognised(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		banner, home string
		want         bool
	}{
		{"SSH-2.0-OpenSSH_for_Windows_9.5", "/home/u", true},
		{"SSH-2.0-OpenSSH_9.2p1 Debian-2", "/home/u", false},
		{"SSH-2.0-OpenSSH_9.5", "/C:/Users/u", true},
		{"SSH-2.0-9.99 FlowSsh: Bitvise SSH Server (WinSSHD) 9.99", "/", true},
		{"SSH-2.0-Go", "/", false},
		{"SSH-2.0-Go", "", false},
		{"SSH-2.0-Go", "/C:x/y", false},
	} {
		if got := isWindows(test.banner, test.home); got != test.want {
			t.Errorf("%s with %s: %t, want %t", test.banner, test.home, got, test.want)
		}
	}
}

func FuzzWindowsOutput(f *testing.F) {
	digits := strings.Repeat("0a", 32)
	f.Add([]byte(digits+" *0\r\n"+digits+" *1\r\n"), 2)
	f.Add([]byte("\ufeffSHA256 hash of x:\r\n"+digits+"\r\n"), 1)
	f.Fuzz(func(t *testing.T, out []byte, files int) {
		if files < 1 || files > 1000 {
			return
		}
		for _, sums := range [][][]byte{parseNumbered(out, files), parseCertUtil(out, 1)} {
			if len(sums) > max(files, 1) {
				t.Errorf("%d digests of %d files", len(sums), files)
			}
			for _, sum := range sums {
				if sum != nil && len(sum) != sha256.Size {
					t.Errorf("a digest of %d bytes", len(sum))
				}
			}
		}
	})
}

func FuzzWindowsPath(f *testing.F) {
	for _, name := range []string{"/C:/dir/file", "a/b", "/C:/a&b", "//x", "/C:/a\nb"} {
		f.Add(name)
	}
	forms := windowsForms()
	f.Fuzz(func(t *testing.T, name string) {
		p, ok := windowsPath(name)
		if !ok {
			return
		}
		if strings.ContainsAny(p, "/\"|<>?*\x00\n\r") || strings.Contains(strings.TrimPrefix(p, p[:min(2, len(p))]), ":") {
			t.Errorf("%q is %q", name, p)
		}
		if certutil := forms[2]; certutil.takes(name) {
			line, _, err := certutil.command([]string{name})
			if err != nil || strings.Trim(line, `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-\: `) != "" || strings.Count(line, " ") != 3 {
				t.Errorf("%q runs %q", name, line)
			}
		}
	})
}
