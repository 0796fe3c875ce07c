// Package rights is who gets into a directory on Windows: rights in the words that Windows writes them in, and the making of
// directories that have them. What is decided is a matter of text, so that it is tested on every system.
package rights

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Grant is what somebody may do in a directory and in all below it.
type Grant struct{ SID, Rights string }

// Rights as Windows writes them.
const (
	Read   = "0x1200a9" // read, list, enter
	Change = "0x1301bf" // and write, create and delete, but no change of rights or owner
	All    = "FA"
)

// rulers are those from whom nothing is kept: the system and administrators.
var rulers = []Grant{{"SY", All}, {"BA", All}}

// broad are the groups that hold people nobody has named.
var broad = map[string]string{
	"WD": "everyone", "S-1-1-0": "everyone",
	"AN": "anonymous logons", "S-1-5-7": "anonymous logons",
	"NU": "whoever comes over the network", "S-1-5-2": "whoever comes over the network",
	"IU": "whoever is logged on", "S-1-5-4": "whoever is logged on",
	"AU": "all users", "S-1-5-11": "all users",
	"BU": "all users", "S-1-5-32-545": "all users",
	"BG": "guests", "S-1-5-32-546": "guests",
}

// entry is one line of a list of rights, such as (A;OICI;FA;;;SY).
type entry struct{ kind, flags, rights, trustee, text string }

// has tells whether a flag, or right, of two letters is among others.
func has(all, one string) bool {
	for i := 0; i+1 < len(all); i += 2 {
		if all[i:i+2] == one {
			return true
		}
	}
	return false
}

// entriesOf returns the list that says who may do what. known is false where there is none, which lets everybody do all.
func entriesOf(sddl string) (entries []entry, known bool) {
	_, list, known := strings.Cut(sddl, "D:")
	flags, _, _ := strings.Cut(list, "(")
	if !known || strings.Contains(flags, "NO_ACCESS_CONTROL") {
		return nil, false
	}
	list, _, _ = strings.Cut(list, "S:") // what is watched follows
	for {
		_, after, found := strings.Cut(list, "(")
		inner, rest, closed := strings.Cut(after, ")")
		if !found || !closed {
			return entries, true
		}
		if p := strings.Split(inner, ";"); len(p) >= 6 {
			entries = append(entries, entry{p[0], p[1], p[2], p[5], "(" + inner + ")"})
		}
		list = rest
	}
}

// mask returns rights as a number.
func mask(rights string) uint64 {
	if n, err := strconv.ParseUint(rights, 0, 64); err == nil {
		return n
	}
	named := map[string]uint64{
		"FA": 0x1f01ff, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200a0, "GA": 0x1f01ff, "GR": 0x120089, "GW": 0x120116, "GX": 0x1200a0,
		"CC": 1, "DC": 2, "LC": 4, "SW": 8, "RP": 16, "WP": 32, "DT": 64, "LO": 128, "CR": 256, "SD": 0x10000, "RC": 0x20000, "WD": 0x40000, "WO": 0x80000,
	}
	var sum uint64
	for i := 0; i+1 < len(rights); i += 2 {
		sum |= named[rights[i:i+2]]
	}
	return sum
}

const readsData = 1

// Readers names the groups of people nobody has named that may read what has these rights.
func Readers(sddl string) []string {
	entries, known := entriesOf(sddl)
	if !known {
		return []string{"everyone"}
	}
	var who []string
	for _, e := range entries {
		group := broad[e.trustee]
		if group != "" && e.kind == "A" && !has(e.flags, "IO") && mask(e.rights)&readsData != 0 && !slices.Contains(who, group) {
			who = append(who, group)
		}
	}
	return who
}

// Allows tells whether somebody with all of these identifiers may do what rights say, as Windows goes through the list: the
// first entry that speaks of a right decides.
func Allows(sddl, rights string, sids ...string) bool {
	entries, known := entriesOf(sddl)
	missing := mask(rights)
	for _, e := range entries {
		if has(e.flags, "IO") || !slices.Contains(sids, e.trustee) {
			continue
		}
		switch e.kind {
		case "A":
			missing &^= mask(e.rights)
		case "D":
			if missing&mask(e.rights) != 0 {
				return false
			}
		}
	}
	return !known || missing == 0
}

// rightsOf returns rights for a new directory: nothing is inherited from above.
func rightsOf(grants []Grant) string { return closed("", grants) }

// closed returns the rights of a directory that is there, after nothing is inherited any more and the grants are added. What
// somebody has given there on purpose stays.
func closed(sddl string, grants []Grant) string {
	entries, _ := entriesOf(sddl)
	entries = slices.DeleteFunc(entries, func(e entry) bool { return has(e.flags, "ID") })
	return "O:BAD:PAI" + allowed(entries, grants)
}

// narrowed returns the rights of something that is there without those of people nobody has named.
func narrowed(sddl string, grants []Grant) string {
	entries, _ := entriesOf(sddl)
	entries = slices.DeleteFunc(entries, func(e entry) bool { return e.kind == "A" && broad[e.trustee] != "" })
	for i, e := range entries {
		entries[i].text = fmt.Sprintf("(%s;%s;%s;;;%s)", e.kind, strings.ReplaceAll(e.flags, "ID", ""), e.rights, e.trustee)
	}
	return "D:PAI" + allowed(entries, grants)
}

// allowed lists what is there and what is granted, each once; who is refused something comes first, as Windows wants it.
func allowed(entries []entry, grants []Grant) string {
	var refused, given strings.Builder
	for _, e := range entries {
		if e.kind == "D" {
			refused.WriteString(e.text)
			continue
		}
		given.WriteString(e.text)
	}
	for _, g := range slices.Concat(rulers, grants) {
		there := slices.ContainsFunc(entries, func(e entry) bool {
			return e.kind == "A" && e.trustee == g.SID && has(e.flags, "OI") && has(e.flags, "CI") && !has(e.flags, "IO") &&
				mask(e.rights)&mask(g.Rights) == mask(g.Rights)
		})
		if text := "(A;OICI;" + g.Rights + ";;;" + g.SID + ")"; !there && !strings.Contains(given.String(), text) {
			given.WriteString(text)
		}
	}
	return refused.String() + given.String()
}

// trusted tells whether a directory that is there already may be closed and used: only if nobody else than those who rule
// the machine, or those who are named, has made it. Any user may create directories in %ProgramData%, and the owner of one
// can always give himself rights on it.
func trusted(owner string, others []string) bool {
	switch owner {
	case "S-1-5-18", // the system
		"S-1-5-32-544", // administrators
		"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464": // the installer of Windows
		return true
	}
	return owner != "" && slices.Contains(others, owner)
}

// identities returns whom this process is, for rights: the account, and the identifier of the service where it is one. Accounts
// that many services share are nobody.
func identities(user string, groups []string) []string {
	var all []string
	for _, g := range groups {
		if strings.HasPrefix(g, "S-1-5-80-") && g != "S-1-5-80-0" { // which is all services
			all = append(all, g)
		}
	}
	switch user {
	case "S-1-5-18", "": // the system gets in anyway
	case "S-1-5-19", "S-1-5-20":
		if len(all) == 0 {
			all = append(all, user)
		}
	default:
		if !slices.Contains(all, user) {
			all = append(all, user)
		}
	}
	return all
}

// Words returns what a person types to let somebody into a directory.
func Words(dir, account, letters string) string {
	return fmt.Sprintf(`icacls "%s" /grant "%s:(OI)(CI)%s"`, dir, account, letters)
}

// CloseWords returns what a person types to keep others than the rulers and an account out of a directory, or a file.
func CloseWords(name, account string, dir bool) string {
	below := ""
	if dir {
		below = "(OI)(CI)"
	}
	return fmt.Sprintf(`icacls "%s" /inheritance:r /remove:g *S-1-1-0 *S-1-5-11 *S-1-5-32-545 /grant "*S-1-5-18:%sF" "*S-1-5-32-544:%sF" "%s:%sM"`,
		name, below, below, account, below)
}
