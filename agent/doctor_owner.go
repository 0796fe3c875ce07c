//go:build !windows

package agent

import (
	"fmt"

	"github.com/dropferry/dropferry/service"
)

// accountIn is whom rights are given to.
func accountIn(s service.State) string { return s.Account }

// stranger tells whether somebody else than the account of the agent looks, who finds what is no fault.
func (d *doctor) stranger() bool { return d.looks != d.words.account }

// asService says whether what is found here is what the service finds. Root looks with its rights, by another process; everybody else does so
// with rights of their own, and what they find is not what the service finds.
func (d *doctor) asService(s service.State) {
	if s.Account == "" || s.Phase == service.Absent {
		return
	}
	if d.stranger() {
		d.say(Diagnosis{
			Note, "account", "", fmt.Sprintf("the service runs as %s, and this looks with the rights of %s", s.Account, d.looks),
			d.words.dropferry("doctor"),
		})
	}
}

// makeDirs makes a directory, and those above it that are not there.
func makeDirs(dir string) string { return "mkdir -p " + shellWord(dir) }
