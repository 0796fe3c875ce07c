package sftptest

import "strings"

// passwdFile is the system's list of accounts; see passwd(5).
const passwdFile = "/etc/passwd"

// Fields of a line of it.
const (
	homeField  = 5
	shellField = 6
)

// withField returns a list of accounts with another value in one field of one account.
func withField(passwd, user string, field int, value string) string {
	var b strings.Builder
	for line := range strings.Lines(passwd) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), ":"); f[0] == user && len(f) == 7 {
			f[field] = value
			line = strings.Join(f, ":") + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
