package agent

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/notify"
)

// receiversOf turns the configuration's [[notify]] into those who are told.
func receiversOf(c *config.Config, version string) ([]notify.Receiver, error) {
	receivers := make([]notify.Receiver, 0, len(c.Notify))
	for i := range c.Notify {
		o := &c.Notify[i]
		sender, err := senderOf(c, o, version)
		if err != nil {
			return nil, fmt.Errorf("notify %s: %w", o.Name, err)
		}
		r := notify.Receiver{Name: o.Name, Repeat: o.Repeat, Interval: o.Interval, Timeout: o.Timeout, Sender: sender}
		for _, word := range o.On {
			r.On = append(r.On, notify.Event(word))
		}
		receivers = append(receivers, r)
	}
	return receivers, nil
}

func senderOf(c *config.Config, o *config.Notify, version string) (notify.Sender, error) {
	trust, err := authoritiesOf(o.CAFile)
	if err != nil {
		return nil, err
	}
	switch o.Type {
	case config.NotifySMTP:
		s := &notify.SMTP{Host: o.Host, Port: o.Port, Security: o.Security, User: o.User, From: o.From, To: o.To, TLS: trust}
		if o.Password.IsSet() {
			s.Password = secretReader(c, o.Password)
		}
		return s, nil
	case config.NotifyCommand:
		return &notify.Command{Args: o.Command, Env: environment(c)}, nil
	}
	w := &notify.Webhook{URL: secretReader(c, o.URL), Form: o.Format, UserAgent: "dropferry/" + version, TLS: trust}
	if o.SigningKey.IsSet() {
		w.Key = secretReader(c, o.SigningKey)
	}
	return w, nil
}

// authoritiesOf returns whom TLS trusts, besides those whom the system does; nil is the system alone.
func authoritiesOf(name string) (*tls.Config, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil { // the system has none
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file %s holds no certificate", name)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// environment is what programs get of the agent's environment: neither its secrets nor what its service manager tells it
// alone.
func environment(c *config.Config) []string {
	secret := map[string]bool{}
	note := func(all ...config.Secret) {
		for _, s := range all {
			if s.Env != "" {
				secret[variable(runtime.GOOS, s.Env)] = true
			}
		}
	}
	for i := range c.Destinations {
		note(secretsOf(&c.Destinations[i])...)
	}
	for i := range c.Notify {
		note(c.Notify[i].URL, c.Notify[i].SigningKey, c.Notify[i].Password)
	}
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "INVOCATION_ID", "JOURNAL_STREAM":
			return true
		}
		return secret[variable(runtime.GOOS, name)]
	})
}

// variable is the name of a variable as it is compared: Windows does not tell small letters from capitals.
func variable(goos, name string) string {
	if goos == "windows" {
		return strings.ToUpper(name)
	}
	return name
}
