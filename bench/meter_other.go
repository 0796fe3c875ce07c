//go:build !linux

package main

import (
	"errors"
	"os/exec"
	"time"
)

var errLinux = errors.New("the benchmark runs on Linux: only there can it account for all processes of a program")

func ownGroup(*exec.Cmd) {}

func account([]string, time.Duration, <-chan struct{}, func(int) error) (reading, error) {
	return reading{}, errLinux
}

func fileSystem(string) (int64, string, error) { return 0, "", errLinux }

type usage struct {
	cpu       time.Duration
	rss, peak int64
}

func endProcess(int) error { return errLinux }

func usageOf(int) (usage, error) { return usage{}, errLinux }

func bareScan(string) (scanned, error) { return scanned{}, errLinux }
