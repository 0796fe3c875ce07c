package config

import "strings"

// leastBandwidth is the lowest limit, in bytes per second: less is a mistake, and a file would take for ever.
const leastBandwidth = 1 << 10

// bandwidth returns a limit in bytes per second; 0 is none.
func (t table) bandwidth() int64 {
	const key = "bandwidth"
	const hint = `a number and a unit, for one second: "512KiB" or "20MiB"; "0" is no limit`
	if n, isNumber := t.values[key].(int64); isNumber {
		better := hint
		if n == 0 {
			better = key + ` = "0"`
		}
		t.wrongType(key, n, "a size", better)
		return 0
	}
	s, given := t.text(key)
	if !given || s == "0" {
		return 0
	}
	n, ok := parseSize(strings.TrimSuffix(s, "/s"))
	switch {
	case !ok:
		t.faultAt(key, key+" = "+show(s)+" is not a size", hint)
		return 0
	case n > 0 && n < leastBandwidth:
		t.faultAt(key, key+" = "+show(s)+" is less than 1KiB", hint)
		return 0
	}
	return n
}
