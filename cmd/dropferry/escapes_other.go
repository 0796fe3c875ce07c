//go:build !windows

package main

import "os"

// obeysEscapes tells whether a terminal does what escape sequences say.
func obeysEscapes(*os.File) bool { return os.Getenv("TERM") != "dumb" }
