//go:build !linux

package watcher

import "time"

func readClocks() reading { return reading{at: time.Now()} }
