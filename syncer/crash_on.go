//go:build crashtest

package syncer

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// crashAt is DROPFERRY_CRASH, "point" or "point:n": the process kills itself, as kill -9 would, when it comes to that point
// for the n-th time, the first by default.
var crashAt = os.Getenv("DROPFERRY_CRASH")

var crashCount atomic.Int64

func crashpoint(name string) {
	point, times, _ := strings.Cut(crashAt, ":")
	if point != name {
		return
	}
	n, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		n = 1
	}
	if crashCount.Add(1) != n {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		os.Exit(137)
	}
	select {} // the kill is on its way
}
