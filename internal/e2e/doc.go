// Package e2e tests the program as people use it: the real binary, a real configuration, a real OpenSSH server, and
// processes that are really killed. It holds tests only.
package e2e
