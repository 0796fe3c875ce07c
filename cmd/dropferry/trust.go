package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

func (p *program) trustCommand() *cobra.Command {
	var fingerprint string
	var replace bool
	command := &cobra.Command{
		Use:   "trust DESTINATION",
		Short: "Show a server's host key and accept it",
		Long: "trust asks the server for its host keys and shows their fingerprints. Compare them with what the server's owner\n" +
			"says, over another way than the network. The key is stored after a typed yes, or with the right --fingerprint.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			d, ok := c.Destination(args[0])
			if !ok {
				return usageError(fmt.Sprintf("no destination %q in %s", args[0], c.File))
			}
			return p.trust(command, c, d, fingerprint, replace)
		},
	}
	command.Flags().StringVar(&fingerprint, "fingerprint", "", "accept the key with this fingerprint, SHA256:... or as other programs show it, without asking")
	command.Flags().BoolVar(&replace, "replace", false, "forget the keys that were accepted before")
	return command
}

func (p *program) trust(command *cobra.Command, c *config.Config, d *config.Destination, fingerprint string, replace bool) error {
	keys, err := agent.HostKeys(command.Context(), c, d)
	if err != nil {
		return err
	}
	if len(d.HostKey) > 0 || d.KnownHosts != "" {
		return p.pinned(c, d, keys, fingerprint)
	}
	known, err := agent.TrustedKeys(c, d)
	if err != nil {
		return err
	}
	announced, err := agent.AnnouncedOnly(c, d)
	if err != nil {
		return err
	}
	announced = slices.DeleteFunc(announced, func(k remote.Key) bool {
		return slices.ContainsFunc(keys, func(shown remote.Key) bool { return shown.Fingerprint == k.Fingerprint })
	})
	if err := p.showKeys(d, keys, announced, known); err != nil {
		return err
	}
	keys = append(keys, announced...)
	var trusted []remote.Key // of those that the server shows
	for _, k := range keys {
		if slices.Contains(known, k.String()) {
			trusted = append(trusted, k)
		}
	}
	key, err := choose(d, keys, trusted, fingerprint)
	if err != nil {
		return err
	}
	switch {
	case slices.Contains(known, key.String()) && (!replace || len(known) == 1):
		return p.printf("%s is trusted already.\n", key)
	case len(known) > 0 && len(trusted) == 0 && !replace:
		return &remote.Error{
			Op: "trust", Destination: d.Name, Kind: remote.HostKey,
			Err:  fmt.Errorf("another key was accepted before: %s", strings.Join(known, ", ")),
			Hint: "if the server's owner has changed it, add --replace",
		}
	case fingerprint == "":
		if err := p.askYes(command.Context(), key); err != nil {
			return err
		}
	}
	file, err := agent.Trust(c, d, key, replace)
	if err != nil {
		return err
	}
	return p.printf("%s is trusted for %s from now on (%s).\n", key, d.Name, file)
}

// choose picks the key that is meant: the one with the fingerprint, else one that is trusted, else the first.
func choose(d *config.Destination, keys, trusted []remote.Key, fingerprint string) (remote.Key, error) {
	if fingerprint == "" {
		return append(trusted, keys...)[0], nil
	}
	print, why, isPrint := config.HostKeyPrint(fingerprint)
	for _, k := range keys {
		if isPrint && k.Fingerprint == print {
			return k, nil
		}
	}
	hint := "nothing was stored; ask the server's owner which fingerprint is right"
	if why != "" {
		hint = "nothing was stored; it is " + why
	}
	return remote.Key{}, &remote.Error{
		Op: "trust", Destination: d.Name, Kind: remote.HostKey,
		Err: fmt.Errorf("the server shows no key with the fingerprint %s", fingerprint), Hint: hint,
	}
}

// pinned tells which line to edit where the configuration says which keys are right: for the key with the fingerprint, or for each that
// the server shows.
func (p *program) pinned(c *config.Config, d *config.Destination, keys []remote.Key, fingerprint string) error {
	if fingerprint != "" {
		key, err := choose(d, keys, nil, fingerprint)
		if err != nil {
			return err
		}
		keys = []remote.Key{key}
	}
	if d.KnownHosts != "" {
		return fmt.Errorf("destination %q takes its keys from %s (%s:%d); if the server's owner confirms the key, add this line there:\n%s",
			d.Name, d.KnownHosts, c.File, lineOf(c.File, d.Line, "known_hosts"),
			oneOf(keys, func(k remote.Key) string { return knownLine(d, k) }))
	}
	return fmt.Errorf("destination %q pins its keys in the configuration; if the server's owner confirms the key, write at %s:%d:\n%s",
		d.Name, c.File, lineOf(c.File, d.Line, "host_key"),
		oneOf(keys, func(k remote.Key) string { return fmt.Sprintf("host_key = [%q]", k.Fingerprint) }))
}

// oneOf writes a line for each key, of which one is right.
func oneOf(keys []remote.Key, line func(remote.Key) string) string {
	var lines []string
	for _, k := range keys {
		lines = append(lines, line(k))
	}
	return strings.Join(lines, "\nor\n")
}

// lineOf returns the line of a key in the table that begins at a line, or the table's own where it is not found.
func lineOf(file string, table int, key string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return table
	}
	for n, line := range slices.Collect(strings.Lines(string(text))) {
		if name, _, ok := strings.Cut(line, "="); ok && n+1 > table && strings.TrimSpace(name) == key {
			return n + 1
		}
	}
	return table
}

func knownLine(d *config.Destination, key remote.Key) string {
	t := remote.Target{Host: d.Host, Port: d.Port, HostKeyAlias: d.HostKeyAlias}
	return t.KnownLine(key)
}

func (p *program) showKeys(d *config.Destination, keys, announced []remote.Key, known []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s:%d) shows:\n", d.Name, d.Host, d.Port)
	for _, k := range keys {
		fmt.Fprintf(&b, "  %s\n", k)
	}
	if len(announced) > 0 {
		b.WriteString("announced in an earlier session, for later:\n")
		for _, k := range announced {
			fmt.Fprintf(&b, "  %s\n", k)
		}
	}
	if len(known) > 0 {
		b.WriteString("accepted before:\n")
		for _, k := range known {
			fmt.Fprintf(&b, "  %s\n", k)
		}
	}
	return p.printf("%s", b.String())
}

// askYes wants a typed yes from a person at a terminal.
func (p *program) askYes(ctx context.Context, key remote.Key) error {
	if !isTerminal(p.in) {
		return usageError("nothing was stored: without a terminal, give the fingerprint with --fingerprint")
	}
	if err := p.printf("Does the server's owner confirm %s? Type yes to accept it: ", key); err != nil {
		return err
	}
	text, err := p.readLine(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case strings.ToLower(text) == "yes":
		return nil
	}
	return errors.New("nothing was stored")
}
