//go:build !linux

package main

import "errors"

// disk is a small file system of its own for the server, which can be filled: on Linux only.
type disk struct{}

// errNoDisk says why there is none.
var errNoDisk = errors.New("a disk of its own is mounted on Linux only: the server's is never full")

func mountDisk(string) (*disk, error) { return nil, errNoDisk }

func (*disk) unmount() error { return nil }

func (*disk) fill() error { return nil }

func (*disk) free() error { return nil }
