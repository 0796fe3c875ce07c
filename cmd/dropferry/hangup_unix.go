//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// outlivePipes keeps the program from being ended by a log that nobody reads any more: a write to standard output or error
// is an error then, as any other.
func outlivePipes() (end func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE)
	return func() { signal.Stop(signals) }
}

// hangupSignals returns a channel of the signals that ask for a reload, and what ends it. Under nohup there are none.
func hangupSignals() (<-chan os.Signal, func()) {
	if signal.Ignored(syscall.SIGHUP) {
		return noSignals()
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}
