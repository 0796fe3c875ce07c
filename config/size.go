package config

import (
	"strconv"
	"strings"
)

// units of sizes, the longest spelling first so that "KiB" is not read as "B".
var units = []struct {
	name   string
	factor int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// parseSize reads a number of bytes such as "64MiB" or "1.5 GiB".
func parseSize(s string) (int64, bool) {
	for _, u := range units {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v >= 0) || v*float64(u.factor) >= 1<<62 {
			return 0, false
		}
		return int64(v * float64(u.factor)), true
	}
	return 0, false
}

// size returns a number of bytes, more than 0.
func (t table) size(key string, otherwise int64) int64 {
	t.takes(key, Shape{Type: Size, Default: writtenSize(otherwise)})
	if n, isNumber := t.values[key].(int64); isNumber {
		t.wrongType(key, n, "a size", key+` = "64MiB"`)
		return otherwise
	}
	s, given := t.text(key)
	if !given {
		return otherwise
	}
	n, ok := parseSize(s)
	if !ok || n == 0 {
		t.faultAt(key, key+" = "+show(s)+" is not a size", `a number and a unit, such as "512KiB", "64MiB" or "1GiB"`)
		return otherwise
	}
	return n
}
