package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// targetOf turns a configured destination into what the remote package dials, with the way to it.
func targetOf(c *config.Config, d *config.Destination) remote.Target {
	t := accountOf(c, d)
	for _, hop := range c.Way(d) {
		t.Jump = append(t.Jump, accountOf(c, hop))
	}
	return t
}

// accountOf is a server and an account there, without those in front of it.
func accountOf(c *config.Config, d *config.Destination) remote.Target {
	t := remote.Target{
		Name: d.Name, Host: d.Host, Port: d.Port, User: d.User, KeyFile: d.KeyFile, PinnedKeys: d.HostKey, Root: d.Root,
		ConnectTimeout: d.ConnectTimeout, Keepalive: d.Keepalive, StallTimeout: d.StallTimeout, Channels: d.Channels, Connections: d.Connections,
		Profile: d.Profile, Requests: d.Requests, OpenFiles: d.OpenFiles,
		Certificate: d.Certificate, Agent: d.SshAgent, Legacy: d.LegacyAlgorithms, HostKeyAlias: d.HostKeyAlias,
	}
	t.Bind, _ = netip.ParseAddr(d.BindAddress) // the zero value where there is none
	for _, a := range d.Answers {
		t.Answers = append(t.Answers, remote.Answer{Prompt: a.Prompt, Text: secretReader(c, a.Text)})
	}
	if len(t.PinnedKeys) == 0 {
		t.KnownHosts, t.KeptByHand = []string{knownHostsOf(c, d)}, d.KnownHosts != ""
	}
	if d.KeyPassphrase.IsSet() {
		t.Passphrase = secretReader(c, d.KeyPassphrase)
	}
	if d.Password.IsSet() {
		t.Password = secretReader(c, d.Password)
	}
	if d.Proxy.IsSet() {
		t.Proxy = &remote.Proxy{HTTP: d.Proxy.Kind == config.ProxyHTTP, Addr: d.Proxy.Address, User: d.ProxyUser}
		if d.ProxyPassword.IsSet() {
			t.Proxy.Password = secretReader(c, d.ProxyPassword)
		}
	}
	return t
}

// knownHostsOf returns the file that a destination's host key is looked up in: the configured one, else that which
// `trust` writes.
func knownHostsOf(c *config.Config, d *config.Destination) string {
	if d.KnownHosts != "" {
		return d.KnownHosts
	}
	return filepath.Join(c.Agent.StateDir, "known_hosts")
}

// rulesOf turns a configured folder into a watcher's rules.
func rulesOf(f *config.Folder) watcher.Rules {
	return watcher.Rules{
		Name: f.Name, Root: f.Path, Include: f.Include, Exclude: excludesOf(f), StableFor: f.StableFor, Rescan: f.Rescan,
		Watch: f.Watch, Poll: f.PollInterval, Ready: f.Ready, Marker: f.Marker, SendMarkers: f.MarkerSend, Symlinks: f.Symlinks,
	}
}

// folderOf turns a configured folder into the syncer's view of it.
func folderOf(c *config.Config, f *config.Folder, hint func(file.Path)) (*syncer.Folder, error) {
	folder := &syncer.Folder{
		Name: f.Name, Root: f.Path, After: syncer.After(f.After), Mirror: f.Mode == config.Mirror,
		FollowLinks: f.Symlinks == config.FollowLinks,
		OnConflict:  syncer.OnConflict(f.OnConflict), FileMode: f.FileMode,
		Verify: remote.Demand(f.Verify), HoldAmbiguous: f.Ambiguous == "hold", Hint: hint,
		Delta:           syncer.Delta(f.Delta),
		CheckpointBytes: f.Checkpoint.Size, CheckpointEvery: f.Checkpoint.Every,
		Retry: syncer.Retry{Initial: f.Retry.Initial, Max: f.Retry.Max, GiveUpAfter: f.Retry.GiveUpAfter},
	}
	deletes(folder, f)
	var err error
	if folder.Order, err = orderOf(f); err != nil {
		return nil, err
	}
	values := func(p file.Path, at time.Time) config.Values {
		return config.Values{Path: p, At: at.In(f.Timezone), Folder: f.Name, Agent: c.Agent.Name}
	}
	if f.Ready == config.ReadyMarker && !f.MarkerSend { // else they have stories of their own
		rules := rulesOf(f)
		folder.Marker = func(p file.Path) file.Path {
			marker, _ := watcher.MarkerOf(rules, p)
			return marker
		}
		folder.SharedMarkers = strings.Contains(f.Marker, "{stem}")
	}
	if folder.After == syncer.Archive {
		archive, err := f.ArchiveTemplate()
		if err != nil {
			return nil, fmt.Errorf("folder %s: archive: %w", f.Name, err)
		}
		folder.ArchivePath = func(p file.Path, at time.Time) string {
			return filepath.FromSlash(archive.Expand(values(p, at)))
		}
	}
	for _, target := range f.To {
		d, ok := c.Destination(target.Destination)
		if !ok {
			return nil, fmt.Errorf("folder %s: no destination %s", f.Name, target.Destination)
		}
		template, err := target.Template()
		if err != nil {
			return nil, fmt.Errorf("folder %s: to %s: %w", f.Name, target.Destination, err)
		}
		folder.Routes = append(folder.Routes, syncer.Route{
			Destination: d.Name,
			RemotePath:  func(p file.Path, at time.Time) string { return d.RemotePath(template, values(f.Names.Map(p), at)) },
			Publishing:  publishingOf(d),
			Trash:       trashOf(f, d.RemotePath(template, values("x", time.Time{}))),
		})
	}
	return folder, nil
}

func publishingOf(d *config.Destination) syncer.Publishing {
	return syncer.Publishing{Direct: isDirect(d), TempDir: d.TempPath()}
}

// destinationsOf returns how to reach each destination that a folder uses. key is that of account fingerprints.
func destinationsOf(c *config.Config, key []byte, limits *bandwidth.Limits, log *slog.Logger) []syncer.Destination {
	destinations := make([]syncer.Destination, 0, len(c.Destinations))
	gates := map[string]*remote.Gate{} // by the names of jump hosts
	for i := range c.Destinations {
		gates[c.Destinations[i].Name] = remote.NewGate()
	}
	hear := func(d *config.Destination) func([]remote.Key) { return announced(c, d, log) }
	for i := range c.Destinations {
		destinations = append(destinations, destinationOf(c, &c.Destinations[i], key, limits, gates, hear))
	}
	return destinations
}

// destinationOf returns how to reach one; gates are those of jump hosts, and hear returns what hears of the host keys that a server announces, and may be
// nil.
func destinationOf(
	c *config.Config, d *config.Destination, key []byte, limits *bandwidth.Limits, gates map[string]*remote.Gate, hear func(*config.Destination) func([]remote.Key),
) syncer.Destination {
	target := paced(targetOf(c, d), limits)
	for i := range target.Jump {
		target.Jump[i].Gate = gates[target.Jump[i].Name]
	}
	if hear != nil {
		target.Announced = hear(d)
		for i, hop := range c.Way(d) {
			target.Jump[i].Announced = hear(hop)
		}
	}
	return syncer.Destination{
		Name:       d.Name,
		Account:    func() string { return fingerprintOf(key, c, d) },
		Trust:      func() string { return trustOf(&target) },
		Secrets:    func() error { return remote.CheckSecrets(target) },
		NeverProbe: d.AuthRetry == "off",
		Schedule:   scheduleOf(d),
		Transfers:  d.Transfers,
		MaxAge:     d.MaxSessionAge,
		Dial: func(ctx context.Context) (syncer.Session, error) {
			s, err := remote.Dial(ctx, target)
			if err != nil {
				return nil, err // not the nil *Session, which would be no nil Session
			}
			return s, nil
		},
	}
}

// ErrNoSuch is the error for a name that the configuration does not have.
var ErrNoSuch = errors.New("not in the configuration")
