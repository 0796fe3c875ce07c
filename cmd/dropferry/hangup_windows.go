package main

import "os"

// outlivePipes does nothing: Windows has no such signal.
func outlivePipes() (end func()) { return func() {} }

// hangupSignals returns nothing: Windows has no such signal, and `dropferry reload` does the same.
func hangupSignals() (<-chan os.Signal, func()) { return noSignals() }
