package service

import (
	"crypto/sha1" //nolint:gosec // what Windows makes the SIDs of services with
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// account is whom a Windows service runs as.
type account struct {
	name     string // as the service manager wants it
	password bool   // it takes one
}

// OwnAccount names the account that Windows makes for a service alone.
func OwnAccount(service string) string { return `NT SERVICE\` + service }

// accountOf returns the account that a person has named for a service. None is the service's own, which Windows makes for
// it: it has no password and may do nothing that it was not allowed.
func accountOf(service, given string) (account, error) {
	own := OwnAccount(service)
	domain, user, qualified := strings.Cut(given, `\`)
	switch folded := strings.ToLower(given); {
	case given == "":
		return account{name: own}, nil
	case folded == "localsystem", folded == "system", folded == `nt authority\system`, folded == `.\localsystem`:
		return account{name: "LocalSystem"}, nil
	case folded == "localservice", folded == `nt authority\localservice`, folded == `nt authority\local service`:
		return account{name: `NT AUTHORITY\LocalService`}, nil
	case folded == "networkservice", folded == `nt authority\networkservice`, folded == `nt authority\network service`:
		return account{name: `NT AUTHORITY\NetworkService`}, nil
	case strings.EqualFold(domain, "NT SERVICE"):
		if !strings.EqualFold(user, service) {
			return account{}, fmt.Errorf("account %s belongs to another service: leave --account out, or name %s", given, own)
		}
		return account{name: own}, nil
	case strings.HasSuffix(given, "$") && !qualified:
		return account{}, fmt.Errorf(`account %s has no domain: a managed service account is DOMAIN\name$`, given)
	case strings.HasSuffix(given, "$"):
		return account{name: given}, nil // the domain knows its password
	case qualified && (domain == "" || user == ""):
		return account{}, fmt.Errorf(`account %s: an account is DOMAIN\name, .\name, name@domain, LocalSystem, LocalService or NetworkService`, given)
	case !qualified && !strings.Contains(given, "@"):
		return account{name: `.\` + given, password: true}, nil
	}
	return account{name: given, password: true}, nil
}

// SIDOf returns the security identifier of a service on Windows, which rights are given to. It is made of the name alone, so that rights can be given
// before the service is there. Whatever account the service runs as, its processes have it.
func SIDOf(service string) string {
	letters := utf16.Encode([]rune(strings.ToUpper(service)))
	bytes := make([]byte, 0, 2*len(letters))
	for _, l := range letters {
		bytes = binary.LittleEndian.AppendUint16(bytes, l)
	}
	sum := sha1.Sum(bytes) //nolint:gosec // as above
	part := func(i int) uint32 { return binary.LittleEndian.Uint32(sum[4*i:]) }
	return fmt.Sprintf("S-1-5-80-%d-%d-%d-%d-%d", part(0), part(1), part(2), part(3), part(4))
}
