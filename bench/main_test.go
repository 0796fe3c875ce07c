package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be its own meter, as the benchmark is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == meterCommand {
		os.Exit(meterMain(os.Args[2:]))
	}
	goleak.VerifyTestMain(m)
}
