package agent

import (
	"strings"

	"github.com/dropferry/dropferry/rights"
	"github.com/dropferry/dropferry/service"
)

const (
	setClock = "have the system set its clock by the network: w32tm /resync"
	asAdmin  = "" // in an administrator's window
)

func lookWhy(name string) string {
	return "dropferry service status --name " + name + ", and the Application log of the Event Viewer"
}

func letBoot(name string) string { return "sc config " + name + " start= delayed-auto" }

// clockState knows nothing on this system.
func clockState() clockKnowledge { return clockUnknown }

func letRead(account, path string) string { return rights.Words(path, account, "RX") }

func letWrite(account, path string) string { return rights.Words(path, account, "M") }

func makeStateDir(_, dir string) string {
	return "dropferry service install, which makes " + dir + " for the service"
}

// asService names the service's account in what is to be typed, and judges the folders with its rights: whoever asks is an
// administrator, who may do more.
func (d *doctor) asService(s service.State) {
	if s.Phase == service.Absent {
		return
	}
	d.account = service.OwnAccount(d.service)
	sids, known := accountSIDs(s.Account, d.service, service.SIDOf(d.service))
	if !known {
		return
	}
	for i := range d.config.Folders {
		f := &d.config.Folders[i]
		dirs := written(f)
		puts := len(dirs) > 0
		if !puts {
			dirs = []string{f.Path}
		}
		for i, dir := range dirs {
			if i > 0 { // an archive is made when it is needed
				dir = nearest(dir)
			}
			text, err := rights.Of(dir)
			if err != nil || strings.HasPrefix(dir, `\\`) {
				continue // what is not there is told of elsewhere; at a server the service is the computer
			}
			if found, wrong := rightsDiagnosis(f.Name, dir, d.account, text, sids, puts); wrong {
				d.say(found)
			}
		}
	}
}
