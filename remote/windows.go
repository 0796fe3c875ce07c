package remote

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The forms of a Windows server, where the account's shell is cmd.exe or PowerShell. PowerShell gets its program encoded, so
// that no shell finds anything to read in it, and the names as base64, so that neither a shell nor a code page changes
// them: as lines of its standard input, or within the program where that does not arrive. A shell that is PowerShell
// itself may read the input before the one that it starts.
const (
	psInput  = "powershell Get-FileHash"
	psNames  = "powershell Get-FileHash (names in the command)"
	certUtil = "certutil -hashfile"
)

const (
	// psBegin is how PowerShell is run; the encoded program follows.
	psBegin = "powershell -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -InputFormat Text -OutputFormat Text -EncodedCommand "
	// psProgram prints, for each name that has one, the digest and the name's number. The number stands for the name, which
	// the output's code page could not express.
	psProgram = "$ProgressPreference='SilentlyContinue';$n=0;foreach($l in @@){try{" +
		"$p=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($l.Trim()));" +
		"$h=(Get-FileHash -LiteralPath $p -Algorithm SHA256 -ErrorAction Stop).Hash;" +
		"[Console]::Out.WriteLine(\"$h *$n\")}catch{};$n++}"
	// mostLine is what cmd.exe takes as one command line, in characters. Its documentation says 8191; its own call of
	// sshd's counts too.
	mostLine = 8000
)

// windowsForms returns the forms for a Windows server, the better first.
func windowsForms() []hashForm {
	takes := func(name string) bool { _, ok := windowsPath(name); return ok }
	return []hashForm{
		{
			name: psInput, most: maxHashBatch, takes: takes, parse: parseNumbered,
			command: func(names []string) (string, []byte, error) {
				var input bytes.Buffer
				for _, name := range encodeNames(names) {
					input.WriteString(name + "\r\n")
				}
				return psBegin + encodeProgram(strings.Replace(psProgram, "@@", "$input", 1)), input.Bytes(), nil
			},
		},
		{
			name: psNames, most: 16, takes: takes, parse: parseNumbered,
			command: func(names []string) (string, []byte, error) {
				list := "'" + strings.Join(encodeNames(names), "','") + "'"
				line := psBegin + encodeProgram(strings.Replace(psProgram, "@@", list, 1))
				if len(line) > mostLine {
					return "", nil, errTooLong
				}
				return line, nil, nil
			},
		},
		{
			name: certUtil, most: 1, parse: parseCertUtil,
			takes: func(name string) bool { p, ok := windowsPath(name); return ok && harmless.MatchString(p) },
			command: func(names []string) (string, []byte, error) {
				if len(names) > 1 {
					return "", nil, errTooLong
				}
				p, _ := windowsPath(names[0])
				return "certutil -hashfile " + p + " SHA256", nil, nil
			},
		},
	}
}

// harmless are the Windows paths that mean nothing but themselves to cmd.exe, PowerShell and the parsers of arguments.
var harmless = regexp.MustCompile(`^([A-Za-z]:|\.)?(\\[A-Za-z0-9._-]+)+$`)

// windowsPath turns an SFTP path of a Windows server into one of its own: /C:/dir/file is C:\dir\file. It refuses what no
// file there can be called, and so whatever Windows reads as something else: a stream, a pattern, a device path.
func windowsPath(name string) (string, bool) {
	drive, rest := "", name
	if p := strings.TrimPrefix(name, "/"); len(p) > 2 && p[1] == ':' && p[2] == '/' && isLetter(p[0]) {
		drive, rest = p[:2], p[2:]
	}
	refused := strings.ContainsFunc(rest, func(r rune) bool { return r < ' ' || strings.ContainsRune(`\:*?"<>|`, r) })
	if rest == "" || refused || !utf8.ValidString(rest) || strings.HasPrefix(rest, "//") {
		return "", false
	}
	if drive == "" && rest[0] != '/' {
		drive, rest = ".", "/"+rest // in the login directory; a name that begins with "-" is no option
	}
	return drive + strings.ReplaceAll(rest, "/", `\`), true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// encodeNames returns names, all of which are taken, as base64 of their Windows paths.
func encodeNames(names []string) []string {
	encoded := make([]string, len(names))
	for i, name := range names {
		p, _ := windowsPath(name)
		encoded[i] = base64.StdEncoding.EncodeToString([]byte(p))
	}
	return encoded
}

// encodeProgram returns what -EncodedCommand takes: base64 of UTF-16, the low byte first.
func encodeProgram(program string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(program)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// parseNumbered reads lines of a digest and the number of its file, "<64 hex> *<number>". Two that contradict each other
// count as none.
func parseNumbered(out []byte, files int) [][]byte {
	sums := make([][]byte, files)
	contradicted := make([]bool, files)
	for line := range bytes.Lines(out) {
		digest, number, ok := strings.Cut(trimLine(line), " *")
		i, err := strconv.ParseUint(number, 10, 32)
		if !ok || err != nil || i >= uint64(files) {
			continue
		}
		if sum := parseDigest(digest); sum != nil {
			contradicted[i] = contradicted[i] || (sums[i] != nil && !bytes.Equal(sums[i], sum))
			sums[i] = sum
		}
	}
	for i := range sums {
		if contradicted[i] {
			sums[i] = nil
		}
	}
	return sums
}

// parseCertUtil finds the one line that is nothing but a digest. What stands around it is in the language of the server;
// older versions put a space between the bytes.
func parseCertUtil(out []byte, _ int) [][]byte {
	var found []byte
	for line := range bytes.Lines(out) {
		sum := parseDigest(strings.ReplaceAll(trimLine(line), " ", ""))
		switch {
		case sum != nil && found != nil:
			return nil
		case sum != nil:
			found = sum
		}
	}
	if found == nil {
		return nil
	}
	return [][]byte{found}
}

// trimLine takes off what a console puts around a line: a byte order mark, carriage returns.
func trimLine(line []byte) string {
	return strings.TrimSpace(strings.TrimPrefix(string(line), "\ufeff"))
}

// parseDigest reads the hexadecimal digits of a SHA-256, nil where they are something else.
func parseDigest(digits string) []byte {
	if len(digits) != 64 {
		return nil
	}
	sum, err := hex.DecodeString(digits)
	if err != nil {
		return nil
	}
	return sum
}

// isWindows tells whether a server runs Windows, by its banner and the path of its login directory.
func isWindows(banner, home string) bool {
	_, onDrive := windowsPath(home + "/x")
	onDrive = onDrive && len(home) > 2 && home[0] == '/' && home[2] == ':'
	return onDrive || strings.Contains(banner, "Windows") || strings.Contains(banner, "WinSSHD")
}
