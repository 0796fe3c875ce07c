package control

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// tokenFile is the file in the state directory with the token that the page, the API and the metrics want.
const tokenFile = "control.token"

// leastToken is how long a token is that a person may have written, at least.
const leastToken = 16

// TokenPath returns the file that a state directory keeps its token in.
func TokenPath(stateDir string) string { return filepath.Join(stateDir, tokenFile) }

// Token returns the token of a state directory. An fs.ErrNotExist says that no agent has made one yet.
func Token(stateDir string) (string, error) {
	name := TokenPath(stateDir)
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if len(token) < leastToken || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("read %s: it holds no token: remove it, and the agent makes a new one", name)
	}
	return token, nil
}

// MakeToken returns the token of a state directory, and makes one where there is none, or where others than the owner could
// read it.
func MakeToken(stateDir string) (string, error) {
	name := TokenPath(stateDir)
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	case info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows":
		return Token(stateDir)
	default:
		if err := os.Remove(name); err != nil {
			return "", err
		}
	}
	token := rand.Text()
	if err := writePrivate(name, token+"\n"); err != nil {
		return "", err
	}
	return token, nil
}
