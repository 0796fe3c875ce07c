package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/rights"
	"github.com/dropferry/dropferry/service"
)

// giveTo does nothing: files inherit the rights of the state directory.
func giveTo(string, string) error { return nil }

// makeState makes the state directory where there is none: for whom this is, and for the service that works with the
// configuration.
func makeState(c *config.Config) error {
	return rights.Make(c.Agent.StateDir, grantsFor(c))
}

func grantsFor(c *config.Config) func() ([]rights.Grant, error) {
	return func() ([]rights.Grant, error) {
		grants, err := rights.Self()
		if err != nil {
			return nil, err
		}
		if name, is := service.WorksWith(c.File); is {
			grants = append(grants, rights.Grant{SID: service.SIDOf(name), Rights: rights.Change})
		}
		return grants, nil
	}
}

// narrow keeps people nobody has named out of a file or directory: a state directory that was there before may let all users
// read.
func narrow(c *config.Config, name string) error { return rights.Narrow(name, grantsFor(c)) }

// othersRead says who may read a secret that should not, "" if nobody, and what to type about it.
func othersRead(c *config.Config, name string, _ os.FileInfo) (who, mend string) {
	text, err := rights.Of(name)
	if err != nil {
		return "", "" // who cannot see the rights cannot read either
	}
	readers := rights.Readers(text)
	if len(readers) == 0 {
		return "", ""
	}
	account := os.Getenv("USERNAME")
	if name, is := service.WorksWith(c.File); is {
		account = service.OwnAccount(name)
	}
	info, err := os.Stat(name)
	return strings.Join(readers, ", "), rights.CloseWords(name, account, err == nil && info.IsDir())
}

// stateWords says how a state directory is closed that others can read.
func stateWords(c *config.Config) string {
	if name, is := service.WorksWith(c.File); is {
		return fmt.Sprintf("dropferry service install --name %s", name)
	}
	return rights.CloseWords(filepath.Clean(c.Agent.StateDir), os.Getenv("USERNAME"), true)
}
