// Package service is the operating system's side of a program that runs for months: systemd and launchd, Windows' service
// manager, its Event Log and DPAPI. The rest of dropferry sees a Host, to which it says how it is, and a few functions
// that install, start and stop a service, whatever the system.
package service
