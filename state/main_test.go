package state

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childRole names what a process that a test has started does instead of running tests.
const childRole = "DROPFERRY_STATE_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := runChild(role, os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
