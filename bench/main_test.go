package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be its own meter and probe, as the benchmark is.
func TestMain(m *testing.M) {
	if code, ok := asOther(os.Args[1:]); ok {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}
