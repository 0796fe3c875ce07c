package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// units of sizes, the largest first.
var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// parseBytes reads a size such as "4KiB"; a number alone is bytes.
func parseBytes(text string) (int64, error) {
	number, factor := text, int64(1)
	for _, u := range units {
		if head, ok := strings.CutSuffix(text, u.name); ok {
			number, factor = head, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 0 || n > (1<<50)/factor {
		return 0, fmt.Errorf("%q is not a size like 4KiB", text)
	}
	return n * factor, nil
}

// formatBytes writes a size in the largest unit that leaves no more than one decimal.
func formatBytes(n int64) string {
	for _, u := range units {
		switch {
		case n >= u.bytes && n%u.bytes == 0:
			return fmt.Sprintf("%d %s", n/u.bytes, u.name)
		case n >= 4*u.bytes:
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.bytes), u.name)
		}
	}
	return "0 B"
}

// formatNumber writes three digits that matter, and hundredths at most.
func formatNumber(x float64) string {
	switch {
	case x < 9.995:
		return fmt.Sprintf("%.2f", x)
	case x < 99.95:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// formatDuration writes "50 ms" or "1.5 s".
func formatDuration(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'g', -1, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) + " s"
}
