package service

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/dropferry/dropferry/rights"
)

// home returns the directory of the configurations of services, in which their state is too.
func home() string {
	base, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT)
	if err != nil || base == "" {
		base = os.Getenv("ProgramData")
	}
	return filepath.Join(cmp.Or(base, `C:\ProgramData`), "dropferry")
}

// makeHome closes the directories of the service's configuration and state: the service reads the one, where it is the
// system's, and changes the other. What others were given there stays, such as the rights of another service. It says what it has
// made.
func makeHome(setup Setup, account string) ([]string, error) {
	sid := SIDOf(setup.Name)
	owners := []string{sid} // of a state directory that the service has made
	if known, _, _, err := windows.LookupSID("", strings.TrimPrefix(account, `.\`)); err == nil {
		owners = append(owners, known.String())
	}
	var made []string
	if within(home(), setup.Config) {
		if err := rights.Close(home(), nil, rights.Grant{SID: sid, Rights: rights.Read}); err != nil {
			return nil, err
		}
		made = append(made, fmt.Sprintf("only administrators and services of dropferry get into %s", home()))
	} else {
		made = append(made, fmt.Sprintf("the service has to read %s: %s", setup.Config, rights.Words(filepath.Dir(setup.Config), OwnAccount(setup.Name), "RX")))
	}
	var state string
	if setup.StateOf != nil {
		state = setup.StateOf(setup.Config)
	}
	if state == "" {
		return append(made, fmt.Sprintf("where it keeps its state cannot be told: write state_dir into %s, then install it again", setup.Config)), nil
	}
	if err := rights.Close(state, owners, rights.Grant{SID: sid, Rights: rights.Change}); err != nil {
		return made, err
	}
	return append(made, fmt.Sprintf("its state is in %s, where only administrators and it get in", state)), nil
}

// within tells whether a file lies in a directory itself.
func within(dir, name string) bool { return strings.EqualFold(filepath.Dir(name), filepath.Clean(dir)) }
