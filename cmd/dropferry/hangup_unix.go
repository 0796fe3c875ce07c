//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangupSignals returns a channel of the signals that ask for a reload, and what ends it. Under nohup there are none.
func hangupSignals() (<-chan os.Signal, func()) {
	if signal.Ignored(syscall.SIGHUP) {
		return noSignals()
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}
