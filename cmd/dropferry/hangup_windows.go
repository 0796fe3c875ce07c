package main

import "os"

// hangupSignals returns nothing: Windows has no such signal, and `dropferry reload` does the same.
func hangupSignals() (<-chan os.Signal, func()) { return noSignals() }
