package agent

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/notify"
	"github.com/dropferry/dropferry/remote"
)

// CertificateWarnings tells of the certificates of accounts that have expired, or are about to, or cannot be used.
func CertificateWarnings(c *config.Config) config.Faults {
	var all config.Faults
	for i := range c.Destinations {
		all = append(all, certificateWarnings(c, &c.Destinations[i], time.Now())...)
	}
	return all
}

func certificateWarnings(c *config.Config, d *config.Destination, now time.Time) config.Faults {
	warn := func(text, hint string) config.Faults {
		f := c.DestinationFault(d.Name, text, hint)
		f.Key, f.Warning = "destination.certificate", true
		return config.Faults{f}
	}
	certificate, ok, err := remote.CertificateOf(accountOf(c, d))
	const hint = "have the key signed anew; the next attempt to connect reads the new certificate"
	switch {
	case !ok:
	case err != nil:
		return warn(err.Error(), remote.HintOf(err))
	case !certificate.Until.IsZero() && !now.Before(certificate.Until):
		return warn(fmt.Sprintf("the certificate %s has expired, on %s", certificate.File, rfc3339(certificate.Until)), hint)
	case now.Before(certificate.From):
		return warn(fmt.Sprintf("the certificate %s is valid only from %s on", certificate.File, rfc3339(certificate.From)),
			"until then it is not used; look at the clock of this machine and of the one that signs keys")
	case certificate.Expires(now):
		return warn(fmt.Sprintf("the certificate %s expires on %s", certificate.File, rfc3339(certificate.Until)), hint)
	}
	return nil
}

// expiring returns what works today and will not for long: certificates that end, and host keys that will change.
func expiring(c *config.Config, now time.Time) (found []notify.Alert) {
	for i := range c.Destinations {
		d := &c.Destinations[i]
		for _, f := range certificateWarnings(c, d, now) {
			found = append(found, notify.Alert{
				Event: notify.Expiring, Key: aboutCertificate + d.Name, At: now, Destination: d.Name, Text: f.Text, Hint: f.Hint,
			})
		}
		for n, text := range keyWarnings(c, d) {
			if n == 0 { // of several the first: whoever looks sees them all
				found = append(found, notify.Alert{Event: notify.Expiring, Key: aboutNewHostKey + d.Name, At: now, Destination: d.Name, Text: text})
			}
		}
	}
	return found
}

// warnOfAccounts logs what a person should know of accounts although they work.
func warnOfAccounts(log *slog.Logger, c *config.Config) {
	for i := range c.Destinations {
		d := &c.Destinations[i]
		if len(d.LegacyAlgorithms) > 0 {
			log.Warn("weak algorithms are allowed, which somebody on the way may break", "destination", d.Name, "legacy_algorithms", d.LegacyAlgorithms)
		}
		for _, f := range certificateWarnings(c, d, time.Now()) {
			log.Warn("a certificate needs a person", "destination", d.Name, "fault", f.Text, "hint", f.Hint)
		}
	}
}
