package config

import "strings"

// leastBandwidth is the lowest limit, in bytes per second: less is a mistake, and a file would take for ever.
const leastBandwidth = 1 << 10

// bandwidth returns a limit in bytes per second; 0 is none.
func (t table) bandwidth() int64 {
	const key = "bandwidth"
	const hint = `a number and a unit, for one second: "512KiB" or "20MiB"; "0" is no limit`
	t.takes(key, Shape{Type: Rate, Default: `"0"`})
	if n, isNumber := t.values[key].(int64); isNumber {
		better := hint
		if n == 0 {
			better = key + ` = "0"`
		}
		t.wrongType(key, n, "a size", better)
		return 0
	}
	s, given := t.text(key)
	if !given {
		return 0
	}
	n, ok := parseRate(s)
	switch {
	case !ok:
		t.faultAt(key, key+" = "+show(s)+" is not a size", hint)
		return 0
	case tooSlow(n):
		t.faultAt(key, key+" = "+show(s)+" is less than 1KiB", hint)
		return 0
	}
	return n
}

// parseRate reads a number of bytes per second such as "512KiB" or "20MiB/s"; "0" is no limit.
func parseRate(s string) (int64, bool) {
	if s == "0" {
		return 0, true
	}
	return parseSize(strings.TrimSuffix(s, "/s"))
}

func tooSlow(rate int64) bool { return rate > 0 && rate < leastBandwidth }
