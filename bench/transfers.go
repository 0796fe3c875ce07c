package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// transfers are the programs and the files that they bring to the server.
type transfers struct {
	*stage
	sources  map[workload]source
	programs []program // dropferry from a cold start first
	missing  []string  // peers that are not installed
}

// Names of programs that are no peers.
const (
	coldName    = "dropferry once"
	warmName    = "dropferry run"
	againstName = "against"
)

// transfers is the part that compares programs.
func (s *stage) transfers(ctx context.Context) (made section, err error) {
	t := s.withPrograms(ctx)
	dir, remove, err := s.own("sources")
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := t.makeSources(ctx, dir); err != nil {
		return made, err
	}
	all, err := t.measure(ctx)
	if err != nil {
		return made, err
	}
	r := report{options: s.options, programs: t.programs, missing: t.missing, results: all}
	return section{text: r.String(), chart: r.chart(), faults: all.ownFaults()}, nil
}

// withPrograms finds what is to be compared.
func (s *stage) withPrograms(ctx context.Context) *transfers {
	t := &transfers{stage: s, sources: map[workload]source{}}
	t.programs = []program{
		{name: coldName, version: s.version, own: true, carry: byCommand(once(s.binary))},
		{name: warmName, version: s.version, own: true, carry: warm(s.binary)},
	}
	if s.against != "" {
		t.programs = append(t.programs, program{
			name: againstName, version: versionOf(ctx, []string{s.against, "version"}), own: true, carry: byCommand(once(s.against)),
		})
	}
	found, missing := installed(ctx, s.peers)
	t.programs = append(append(t.programs, limits()...), found...)
	t.missing = missing
	for _, name := range missing {
		s.say("%s is not installed and left out", name)
	}
	return t
}

// makeSources writes each workload once.
func (t *transfers) makeSources(ctx context.Context, dir string) error {
	for _, c := range t.cells {
		if _, there := t.sources[c.workload]; there {
			continue
		}
		t.say("writing %s", c.workload)
		made, err := c.workload.make(filepath.Join(dir, fmt.Sprint(len(t.sources))))
		if err != nil {
			return err
		}
		t.sources[c.workload] = made
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
