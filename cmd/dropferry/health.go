package main

import (
	"fmt"
	"strings"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// health says in a sentence what is not as it should be, or that all is well, and what is left to send. The page says the same.
func health(s *control.Status) (sentence string, well bool) {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	unseen := 0
	for i := range s.Folders {
		f := &s.Folders[i]
		switch {
		case f.Halted != nil:
			add("folder %s is halted", f.Name)
		case f.State == watcher.Waiting, f.State == watcher.Hanging:
			add("folder %s cannot be read", f.Name)
		case s.Agent.Running && f.LastScan == nil:
			unseen++
		}
		if len(f.Unmounted) > 0 {
			add("something in folder %s is not mounted", f.Name)
		}
		if f.Stuck > 0 {
			add("%s of folder %s not ready for over an hour", counted(f.Stuck, "file"), f.Name)
		}
		for _, w := range f.Waiting {
			add("in folder %s %s for another one", f.Name, agent.FilesWait(w.Files))
		}
	}
	queued := 0
	for i := range s.Destinations {
		d := &s.Destinations[i]
		queued += d.Queued
		switch {
		case d.State == string(syncer.LinkBlocked):
			add("destination %s is blocked", d.Name)
		case isUnusable(d):
			add("destination %s cannot be used now", d.Name)
		}
	}
	if aside := asideIn(s); aside > 0 {
		add("%s for a person", agent.FilesWait(aside))
	}
	var work string
	switch {
	case len(s.Transfers) > 0 || queued > 0:
		work = fmt.Sprintf("%s under way, %d queued.", counted(len(s.Transfers), "file"), queued)
	case unseen > 0:
		work = "Not everything was looked through yet."
	case len(wrong) > 0:
		work = "Nothing else is to be sent."
	default:
		work = "Everything is delivered."
	}
	if len(wrong) == 0 {
		return "All is well. " + work, true
	}
	text := strings.Join(wrong, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + ". " + work, false
}

// isUnusable tells whether nothing can be sent to a destination, though nobody has to do anything about it: it is dialled again and again.
func isUnusable(d *control.DestinationStatus) bool {
	return d.State == string(syncer.LinkWaiting) || d.State == string(syncer.LinkConnecting) && d.Reason != ""
}
