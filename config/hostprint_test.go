package config

import (
	"strings"
	"testing"
)

// The forms in which programs show the fingerprint of one key, and those of which nothing can be made.
func TestHostKeyPrint(t *testing.T) {
	const (
		sum  = "X98LQTVdIK+w1yTrYsGCPzjaJ2Bg7/sP6qTEo7Mj5RE"
		want = "SHA256:" + sum
		key  = "AAAAC3NzaC1lZDI1NTE5AAAAIA8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8P"
		ofIt = "SHA256:A6smo+t4JwTEfzBfL/grg79d7sTOAjXjuP+C4qWqKO4"
		md5  = "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48"
	)
	urlSum := strings.NewReplacer("+", "-", "/", "_").Replace(sum)
	for _, c := range []struct{ of, text, want, why string }{
		{"OpenSSH and FileZilla", want, want, ""},
		{"padded", want + "=", want, ""},
		{"FileZilla with a space", "SHA256: " + sum, want, ""},
		{"ssh-keygen -lf", "256 " + want + " root@acme (ED25519)", want, ""},
		{"ssh-keygen -lf, a comment of several words", "3072 " + want + " a key of 3072 bits (RSA)", want, ""},
		{"ssh, at the first connection", "ED25519 key fingerprint is " + want, want, ""},
		{"PuTTY and WinSCP", "ssh-ed25519 255 " + want, want, ""},
		{"WinSCP, bare", "ssh-ed25519 255 " + sum + "=", want, ""},
		{"WinSCP, bare and not padded", "rsa2 2048 " + sum, want, ""},
		{"WinSCP's URL", "ssh-ed25519-255-" + urlSum, want, ""},
		{"WinSCP's URL, of a curve", "ecdsa-sha2-nistp256-256-" + urlSum + "=", want, ""},
		{"bare", sum + "=", want, ""},
		{"bare, not padded", sum, want, ""},
		{"a .pub file", "ssh-ed25519 " + key + " root@acme", ofIt, ""},
		{"a line of known_hosts", "sftp.acme.example ssh-ed25519 " + key, ofIt, ""},
		{"the key alone", key, ofIt, ""},
		{"MD5", md5, "", "SHA-256"},
		{"MD5 with its mark", "MD5:" + md5, "", "SHA-256"},
		{"PuTTY's MD5", "ssh-rsa 2048 " + md5, "", "SHA-256"},
		{"ssh-keygen -E md5 -lf", "2048 MD5:" + md5 + " root@acme (RSA)", "", "SHA-256"},
		{"WinSCP's URL with MD5", "ssh-rsa-2048-" + strings.ReplaceAll(md5, ":", "-"), "", "SHA-256"},
		{"dots", "SHA256:...", "", ""},
		{"a letter too many", want + "A", "", ""},
		{"bits that do not count, set", "SHA256:" + sum[:42] + "F", "", ""},
		{"a comment that might be one", "my " + sum, "", ""},
		{"something else in base64", "SGVsbG8sIHdvcmxkIQ==", "", ""},
		{"an algorithm alone", "ssh-ed25519", "", ""},
		{"nothing", "", "", ""},
	} {
		got, why, ok := HostKeyPrint(c.text)
		if got != c.want || ok != (c.want != "") || (why != "") != (c.why != "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: %q is %q, %v: %s", c.of, c.text, got, ok, why)
		}
	}
}
