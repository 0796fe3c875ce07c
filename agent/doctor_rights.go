package agent

import (
	"fmt"
	"strings"

	"github.com/dropferry/dropferry/rights"
)

// accountSIDs returns whom a Windows service is, for rights: its own identifier, its account, and the groups that it is in whatever
// else. known is false for accounts whose groups cannot be told from here, and for those that may do all.
func accountSIDs(account, service, sid string) (sids []string, known bool) {
	sids = []string{sid, "S-1-5-80-0", "WD", "S-1-1-0", "AU", "S-1-5-11", "BU", "S-1-5-32-545", "SU", "S-1-5-6"}
	switch strings.ToLower(account) {
	case `nt service\` + strings.ToLower(service):
		return sids, true
	case `nt authority\localservice`:
		return append(sids, "LS", "S-1-5-19"), true
	case `nt authority\networkservice`:
		return append(sids, "NS", "S-1-5-20"), true
	}
	return nil, false
}

// rightsDiagnosis judges the rights on a directory of a folder for a service: whoever asks is an administrator, who may do more.
// wrong is false where they are enough.
func rightsDiagnosis(folder, dir, account, sddl string, sids []string, puts bool) (d Diagnosis, wrong bool) {
	need, letters, verb := rights.Read, "RX", "read"
	if puts {
		need, letters, verb = rights.Change, "M", "change"
	}
	if rights.Allows(sddl, need, sids...) {
		return Diagnosis{}, false
	}
	return Diagnosis{
		Warning, "folder", folder, fmt.Sprintf("by the rights on %s, the service may not %s what is there", dir, verb),
		rights.Words(dir, account, letters),
	}, true
}
