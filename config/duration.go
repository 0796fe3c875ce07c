package config

import (
	"fmt"
	"strconv"
	"strings"
)

// durationHint rewrites what people write for a duration elsewhere, such as "30", "5 min" or "3d"; it returns nothing
// where it cannot tell what was meant.
func durationHint(key, s string) string {
	n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if n < 0 {
		n = len(s)
	}
	count, err := strconv.ParseInt(s[:n], 10, 32)
	if err != nil {
		return `a number and a unit, such as "500ms", "30s", "5m" or "72h"`
	}
	unit := ""
	switch strings.ToLower(strings.TrimSpace(s[n:])) {
	case "", "s", "sec", "secs", "second", "seconds":
		unit = "s"
	case "m", "min", "mins", "minute", "minutes":
		unit = "m"
	case "h", "hr", "hrs", "hour", "hours":
		unit = "h"
	case "d", "day", "days":
		count, unit = count*24, "h"
	case "w", "week", "weeks":
		count, unit = count*24*7, "h"
	case "ms", "msec", "millisecond", "milliseconds":
		unit = "ms"
	default:
		return `a number and a unit, such as "500ms", "30s", "5m" or "72h"`
	}
	return fmt.Sprintf(`%s = "%d%s"`, key, count, unit)
}
