package file

import "strings"

// Suffixes of the names that dropferry makes for itself, next to a file, and never takes for a user's file.
const (
	TempSuffix  = ".part"  // an upload under way, at the destination
	TakenSuffix = ".taken" // a delivered source on its way to the archive, in the watched folder
)

// Marker is the name of the file in a folder's root that tells the folder from an empty place where it should be.
const Marker = ".dropferry"

// idLen is the length of an intent's id, and idAlphabet its letters: base 32 after Crockford, in lower case.
const (
	idLen      = 16
	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

// maxTempBase keeps private names within the 255 bytes that common file systems allow.
const maxTempBase = 100

// PrivateName returns the name that dropferry uses for base while the intent id is under way: a dot, at most the
// first 100 bytes of base, the id and the suffix. It is unique to the intent, so that late writes of an older attempt
// can never reach a newer one's bytes.
func PrivateName(base, id, suffix string) string {
	if len(base) > maxTempBase {
		base = base[:maxTempBase]
	}
	return "." + base + "." + id + suffix
}

// IsPrivate tells whether base is a name that PrivateName makes.
func IsPrivate(base string) bool {
	rest, ok := strings.CutSuffix(base, TempSuffix)
	if !ok {
		if rest, ok = strings.CutSuffix(base, TakenSuffix); !ok {
			return false
		}
	}
	if len(rest) < idLen+2 || rest[0] != '.' || rest[len(rest)-idLen-1] != '.' {
		return false
	}
	for _, c := range rest[len(rest)-idLen:] {
		if !strings.ContainsRune(idAlphabet, c) {
			return false
		}
	}
	return true
}
