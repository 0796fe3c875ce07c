// Package packaging holds the files by which systems run dropferry as a service, for packages and for `service install`.
package packaging

import _ "embed"

// Unit is the unit of systemd.
//
//go:embed systemd/dropferry.service
var Unit string

// InstanceUnit is the unit of systemd for further agents on a machine.
//
//go:embed systemd/dropferry@.service
var InstanceUnit string

// Plist is the daemon of launchd.
//
//go:embed launchd/com.dropferry.agent.plist
var Plist string
