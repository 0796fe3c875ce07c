package main

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/control"
)

func TestHealth(t *testing.T) {
	at := time.Now()
	in := func(change func(*control.FolderStatus)) *control.Status {
		f := control.FolderStatus{Name: "in", State: "watching", LastScan: &at}
		change(&f)
		return &control.Status{Agent: control.AgentStatus{Running: true}, Folders: []control.FolderStatus{f}}
	}
	to := func(d control.DestinationStatus) *control.Status {
		s := in(func(*control.FolderStatus) {})
		d.Name = "acme"
		s.Destinations = []control.DestinationStatus{d}
		return s
	}
	moving := to(control.DestinationStatus{State: "active", Queued: 2})
	moving.Transfers = []control.Transfer{{}}
	for _, c := range []struct {
		status *control.Status
		want   string
		well   bool
	}{
		{in(func(*control.FolderStatus) {}), "All is well. Everything is delivered.", true},
		{in(func(f *control.FolderStatus) { f.LastScan = nil }), "All is well. Not everything was looked through yet.", true},
		{in(func(f *control.FolderStatus) { f.State = "hanging" }), "Folder in cannot be read. Nothing else is to be sent.", false},
		{in(func(f *control.FolderStatus) { f.Halted = &control.Halt{} }), "Folder in is halted. Nothing else is to be sent.", false},
		{in(func(f *control.FolderStatus) { f.Unmounted = []string{"usb"} }), "Something in folder in is not mounted. Nothing else is to be sent.", false},
		{in(func(f *control.FolderStatus) { f.Held, f.Parked = 1, 1 }), "2 files wait for a person. Nothing else is to be sent.", false},
		{
			in(func(f *control.FolderStatus) { f.Stuck, f.Waiting = 1, []control.Standstill{{Files: 1}} }),
			"1 file of folder in not ready for over an hour; in folder in 1 file waits for another one. Nothing else is to be sent.", false,
		},
		{moving, "All is well. 1 file under way, 2 queued.", true},
		{to(control.DestinationStatus{State: "connecting", Queued: 1}), "All is well. 0 files under way, 1 queued.", true},
		{to(control.DestinationStatus{State: "connecting", Reason: "dial: refused", Queued: 1}), "Destination acme cannot be used now. 0 files under way, 1 queued.", false},
		{to(control.DestinationStatus{State: "waiting", Queued: 1}), "Destination acme cannot be used now. 0 files under way, 1 queued.", false},
		{to(control.DestinationStatus{State: "blocked"}), "Destination acme is blocked. Nothing else is to be sent.", false},
	} {
		if got, well := health(c.status); got != c.want || well != c.well {
			t.Errorf("%q, %v; want %q", got, well, c.want)
		}
	}
}
