// Package wine tests the program for Windows under wine, on Linux: the tests of other packages, cross-compiled, and the
// whole agent as a service from its package, against a real OpenSSH server. It holds tests only, and they run where
// DROPFERRY_WINE is 1: `make test-windows` installs what they need. What wine cannot show is listed in docs/windows.md.
package wine
