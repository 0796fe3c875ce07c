package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// obeysEscapes tells whether a console does what escape sequences say. Windows has it do so only for programs that ask; consoles from
// before Windows 10 cannot. https://learn.microsoft.com/en-us/windows/console/setconsolemode
func obeysEscapes(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	if mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0 {
		return true
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
