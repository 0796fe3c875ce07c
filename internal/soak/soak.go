package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// soak is one run: everything lies below one directory.
type soak struct {
	options
	dir      string
	root     string // of the server
	progress io.Writer

	stage *stage
	disk  *disk
	sshd  *sftptest.SSHD
	wire  *sftptest.Wire
	log   *logbook
	agent *agent
	made  *production
	facts facts
}

// restWithin is how long the agent may take to come to rest after the faults.
const restWithin = 5 * time.Minute

func (s *soak) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.progress, "soak: "+format+"\n", args...) // for people only
}

func (s *soak) at(name string) string { return filepath.Join(s.dir, name) }

// run makes a soak and records its facts. An error is the soak's own fault.
func (s *soak) run(ctx context.Context) (err error) {
	s.stage = &stage{dir: s.dir}
	defer s.stage.close()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	var seen *sftptest.Observer
	if err := guard(func() { seen = sftptest.Observe(s.stage, s.root) }); err != nil {
		return err
	}
	partner, err := newPartner(s.root, filepath.Join(s.root, there[outbox]), s.at("server/taken"), s.seed)
	if err != nil {
		return err
	}
	watching, enough := context.WithCancel(context.WithoutCancel(ctx))
	defer enough()
	var watchers sync.WaitGroup
	var partnerErr, archiveErr, tempsErr error
	watchers.Go(func() { partnerErr = partner.run(watching) })
	watchers.Go(func() { s.facts.Archived, archiveErr = emptyArchive(watching, s.at("archive")) })
	watchers.Go(func() { s.facts.Temps, tempsErr = watchTemps(watching, s.root) })
	err = s.play(ctx, partner.took)
	enough()
	watchers.Wait()
	if err = errors.Join(err, partnerErr, archiveErr, tempsErr); err != nil {
		return err
	}
	for _, g := range seen.Seen() {
		s.facts.Sightings = append(s.facts.Sightings, sighting{g.Name, g.SHA256, g.Size, g.At})
	}
	s.facts.Takings = partner.takings
	return s.collect()
}

// play lets the agent work, first in peace, then under faults, then in peace again.
func (s *soak) play(ctx context.Context, took <-chan struct{}) error {
	defer s.agent.close()
	if err := s.warmUp(ctx); err != nil {
		return err
	}
	s.say("seed %d: faults for %v", s.seed, s.lasts)
	if err := s.disturb(ctx, took); err != nil {
		return err
	}
	s.facts.Faulted = time.Since(s.facts.Began)
	s.say("%d faults in %v; the agent has to come to rest", len(s.facts.Faults), s.facts.Faulted.Round(time.Second))
	s.log.say("no faults any more")
	if s.facts.Quiet, s.facts.Left = s.rest(ctx); !s.facts.Quiet {
		if err := ctx.Err(); err != nil {
			return err
		}
		return s.history(ctx)
	}
	sent, _, _ := s.wire.Stats()
	s.facts.Sent = sent
	var err error
	if s.facts.After, err = s.measure(); err != nil {
		return err
	}
	// A last agent finds nothing to do, and ends as it should.
	if err := s.agent.start(s.log); err != nil {
		return err
	}
	if s.facts.Quiet, s.facts.Left = s.rest(ctx); !s.facts.Quiet {
		return ctx.Err()
	}
	if err := s.history(ctx); err != nil {
		return err
	}
	_, err = s.agent.end(byStop)
	return err
}

// warmUp lets a fresh agent deliver one file, to see what one at rest holds.
func (s *soak) warmUp(ctx context.Context) error {
	if err := s.agent.start(s.log); err != nil {
		return err
	}
	s.begin(time.Now())
	if err := s.made.do(ctx, outbox, step{Do: drop, Name: "first.bin", Content: -1, Size: leastSize}); err != nil {
		return err
	}
	quiet, why := s.rest(ctx)
	if !quiet {
		return fmt.Errorf("the first file was not delivered, without any fault: %s", why)
	}
	var err error
	if s.facts.Before, err = s.measure(); err != nil {
		return err
	}
	s.begin(time.Now())
	return s.agent.start(s.log)
}

func (s *soak) begin(at time.Time) { s.facts.Began, s.made.began, s.agent.began = at, at, at }

// measure looks at an agent at rest, and ends it with a dump of its goroutines.
func (s *soak) measure() (figures, error) {
	f, err := look(s.agent.pid())
	if err != nil {
		return f, err
	}
	dump, err := s.log.during(func() error {
		_, err := s.agent.end(byDump)
		return err
	})
	f.Goroutines = goroutines(dump)
	return f, err
}

// disturb lets the producers work under faults.
func (s *soak) disturb(ctx context.Context, took <-chan struct{}) error {
	i := &injector{
		began: s.facts.Began, wire: s.wire, rate: s.rate, sshd: s.sshd, agent: s.agent, disk: s.disk, log: s.log, took: took,
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var working sync.WaitGroup
	failures := make([]error, len(producers)+1)
	for n := range producers {
		working.Go(func() {
			if failures[n] = s.made.produce(ctx, n, script(s.seed, n, s.lasts)); failures[n] != nil {
				cancel()
			}
		})
	}
	working.Go(func() {
		if failures[len(producers)] = i.run(ctx, schedule(s.seed, s.lasts)); failures[len(producers)] != nil {
			cancel()
		}
	})
	working.Wait()
	s.facts.Faults = i.made
	return errors.Join(failures...)
}

// collect takes down what is there in the end.
func (s *soak) collect() (err error) {
	s.facts.Versions, s.facts.Exits, s.facts.Marks = s.made.versions, s.agent.ended(), s.log.bad()
	if s.facts.There, err = entries(s.root, ""); err != nil {
		return err
	}
	for folder, root := range s.made.roots {
		here, err := entries(root, there[folder])
		if err != nil {
			return err
		}
		s.facts.Here = append(s.facts.Here, here...)
	}
	return nil
}
