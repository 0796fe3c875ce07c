package service

import (
	"context"
	"time"
)

// Host is who has started the program and wants to know how it is. Its methods may be called from any goroutine, return
// soon and cannot fail: what nobody hears changes nothing.
type Host interface {
	// Ready says that the program does its work: after its start, and after each Reloading.
	Ready()
	// Reloading says that the configuration is loaded anew.
	Reloading()
	// Stopping says that the program ends, which may take as long as within.
	Stopping(within time.Duration)
	// Status says in one line, for people, what the program does.
	Status(text string)
	// Alive says that the program gets on. Where Patience is not 0, it is called more often than that, and never by
	// anything that goes on by itself while the work has stopped.
	Alive()
	// Patience is how long the host waits for Alive before it starts the program anew; 0 is for ever.
	Patience() time.Duration
	// Reloads has a value whenever the system asks for a reload by other means than a signal; nil never has.
	Reloads() <-chan struct{}
}

// Nobody is the host of a program that a person has started.
type Nobody struct{}

// Ready implements Host.
func (Nobody) Ready() {}

// Reloading implements Host.
func (Nobody) Reloading() {}

// Stopping implements Host.
func (Nobody) Stopping(time.Duration) {}

// Status implements Host.
func (Nobody) Status(string) {}

// Alive implements Host.
func (Nobody) Alive() {}

// Patience implements Host.
func (Nobody) Patience() time.Duration { return 0 }

// Reloads implements Host.
func (Nobody) Reloads() <-chan struct{} { return nil }

// Foreground runs work with systemd for a host where that has started the program, else for a person.
func Foreground(ctx context.Context, work Work) error {
	host, err := Systemd()
	if err != nil {
		return err
	}
	if host == nil {
		return work(ctx, Nobody{})
	}
	defer host.Close()
	return work(ctx, host)
}
