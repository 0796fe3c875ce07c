package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// destination looks at the secrets of one, and asks its server for its host keys. Nobody logs in.
func (d *doctor) destination(ctx context.Context, at *config.Destination) {
	target := targetOf(d.config, at)
	if !d.faulty[at.Name] {
		d.say(d.secretDiagnosis(at, remote.CheckSecrets(target)))
	}
	for _, w := range certificateWarnings(d.config, at, time.Now()) {
		d.say(DiagnosisOf(w))
	}
	for _, text := range keyWarnings(d.config, at) {
		d.say(Diagnosis{Severity: Warning, Area: "destination", Subject: at.Name, Text: Typed(text, d.words.file)})
	}
	switch {
	case !d.options.Network:
	case len(target.Jump) > 0:
		d.say(Diagnosis{
			Severity: Note, Area: "destination", Subject: at.Name,
			Text: "lies behind " + target.Jump[len(target.Jump)-1].Name + ", so that nobody can look at it without logging in there",
			Hint: d.words.dropferry("check", "--connect", at.Name),
		})
	default:
		keys, err := remote.HostKeys(ctx, target)
		d.say(d.words.reachDiagnosis(at.Name, target.Addr(), err))
		if err == nil {
			known, err := trustedBy(&target)
			d.say(d.words.hostKeyDiagnosis(at, keys, known, err))
		}
	}
}

// secretDiagnosis judges why keys and secrets cannot be used. What systemd hands to the service alone cannot be seen here.
func (d *doctor) secretDiagnosis(at *config.Destination, err error) Diagnosis {
	found := Diagnosis{Severity: Well, Area: "destination", Subject: at.Name, Text: "its key or password can be read"}
	if err == nil {
		return found
	}
	for _, s := range secretsOf(at) {
		if s.Credential != "" && slices.Contains(d.confine.Credentials, s.Credential) && strings.Contains(err.Error(), s.String()) {
			found.Severity, found.Text = Note, fmt.Sprintf("systemd hands %s to %s alone, so it cannot be looked at here", s, d.service)
			return found
		}
	}
	found.Severity, found.Text, found.Hint = Broken, err.Error(), d.words.hinted(remote.HintOf(err))
	for _, s := range secretsOf(at) {
		if s.Credential != "" && strings.Contains(err.Error(), s.String()) {
			found.Hint = d.words.dropferry("secret", "set", s.Credential)
		}
	}
	return found
}

// secretsOf are the places where a destination's secrets are kept.
func secretsOf(d *config.Destination) []config.Secret {
	all := []config.Secret{d.KeyPassphrase, d.Password, d.ProxyPassword}
	for _, a := range d.Answers {
		all = append(all, a.Text)
	}
	return all
}

func (w words) reachDiagnosis(name, address string, err error) Diagnosis {
	found := Diagnosis{Severity: Well, Area: "destination", Subject: name, Text: address + " answers"}
	if err == nil {
		return found
	}
	found.Severity, found.Text, found.Hint = Broken, err.Error(), remote.HintOf(err)
	host, port, _ := net.SplitHostPort(address)
	var dns *net.DNSError
	var network *net.OpError
	switch {
	case errors.As(err, &dns):
		found.Text += "; mend host in the configuration, or the machine's name server"
		found.Hint = w.lookUp(host)
	case found.Hint == "" && errors.As(err, &network):
		found.Hint = w.reach(host, port)
		found.Text += "; a firewall may be in the way"
	}
	return found
}

// trustedBy returns the fingerprints that count for a target.
func trustedBy(t *remote.Target) ([]string, error) {
	if len(t.PinnedKeys) > 0 {
		return t.PinnedKeys, nil
	}
	keys, err := t.Trusted()
	if err != nil {
		return nil, err
	}
	var prints []string
	for _, k := range keys {
		prints = append(prints, k.Fingerprint)
	}
	return prints, nil
}

func (w words) hostKeyDiagnosis(at *config.Destination, shown []remote.Key, known []string, err error) Diagnosis {
	found := Diagnosis{Severity: Broken, Area: "destination", Subject: at.Name}
	var prints []string
	for _, k := range shown {
		if slices.Contains(known, k.Fingerprint) {
			found.Severity, found.Text = Well, "its host key is the right one: "+k.String()
			return found
		}
		prints = append(prints, k.String())
	}
	switch pinned := len(at.HostKey) > 0 || at.KnownHosts != ""; {
	case err != nil:
		found.Text = err.Error()
	case len(known) == 0:
		found.Text, found.Hint = "nobody has said that its host key is right: "+strings.Join(prints, ", "), w.dropferry("trust", at.Name)
	case pinned:
		found.Text = "it shows " + strings.Join(prints, ", ") + ", and the configuration wants " + strings.Join(known, ", ")
		found.Hint = "ask the server's owner; if the key was changed on purpose, mend host_key or known_hosts"
	default:
		found.Text = "it shows " + strings.Join(prints, ", ") + ", and another key was accepted: " + strings.Join(known, ", ")
		found.Hint = "ask the server's owner; if the key was changed on purpose: " + w.dropferry("trust", at.Name, "--replace")
	}
	return found
}

// keyHint is what to do about a key or a secret's file that the agent's account may not read.
func (d *doctor) keyHint(f config.Fault) string {
	denied, is := errors.AsType[*fs.PathError](config.Faults{f})
	if !is || !errors.Is(denied, fs.ErrPermission) || f.Warning {
		return ""
	}
	if d.stranger() {
		return d.words.dropferry("doctor")
	}
	return d.words.giveKey(denied.Path)
}

// giveKey has the account read a private file, which one account alone can: one beside the configuration is given to it, and of one that
// may be another's somewhere else it gets a copy.
func (w words) giveKey(key string) string {
	dir := filepath.Dir(w.file)
	if rel, err := filepath.Rel(dir, key); err == nil && filepath.IsLocal(rel) {
		take := w.take(key, false)
		if above := filepath.Dir(key); above != dir {
			take = w.letEnter(above) + then + take
		}
		return take
	}
	own := filepath.Join(dir, "keys", filepath.Base(key))
	return w.copyFor(key, own) + ", and name " + own + " in " + w.file
}
