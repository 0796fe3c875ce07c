package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine is where it was measured.
type machine struct {
	cores  int
	model  string // of the processor; "" is unknown
	kernel string
	files  string        // kind of the file system
	start  time.Duration // of a process that does nothing, until it has ended; 0 is unknown
}

// describeMachine describes this machine, and the file system of dir.
func describeMachine(dir string) machine {
	m := machine{cores: runtime.NumCPU()}
	for line := range strings.Lines(read("/proc/cpuinfo")) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
			m.model = strings.Join(strings.Fields(value), " ")
			break
		}
	}
	m.kernel = strings.TrimSpace(read("/proc/sys/kernel/osrelease"))
	if _, kind, err := fileSystem(dir); err == nil {
		m.files = kind
	}
	m.start = startTime()
	return m
}

// startTime is what starting a process costs here, which differs by ten times between machines: where commands are run at the
// server, as for hashing, it decides.
func startTime() time.Duration {
	var all latencies
	for range 21 {
		began := time.Now()
		if err := exec.Command("true").Run(); err != nil {
			return 0
		}
		all = append(all, time.Since(began))
	}
	return all.percentile(50)
}

// loadAverage returns the system's load over the last minute.
func loadAverage() string {
	load, _, _ := strings.Cut(read("/proc/loadavg"), " ")
	return load
}

// read returns what a file of the system holds, or nothing where there is none.
func read(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(text)
}

// String is one sentence.
func (m machine) String() string {
	text := fmt.Sprintf("%d cores", m.cores)
	if m.model != "" {
		text += " of " + m.model
	}
	text += fmt.Sprintf(", %s %s, files on %s", osName(runtime.GOOS), m.kernel, m.files)
	if m.start > 0 {
		text += ", " + inMillis(m.start) + " ms to start a process"
	}
	return text + "."
}

func osName(goos string) string { return strings.ToUpper(goos[:1]) + goos[1:] }
