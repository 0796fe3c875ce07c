package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request.
const (
	// TimestampHeader has the seconds since 1970 when the request was made.
	TimestampHeader = "X-Dropferry-Timestamp"
	// SignatureHeader has "sha256=" and, in hexadecimal, the HMAC-SHA-256 of the timestamp, a full stop and the body.
	SignatureHeader = "X-Dropferry-Signature"
)

// Forms of a webhook's body.
const (
	FormJSON  = "json"  // the Message itself
	FormSlack = "slack" // for an incoming webhook of Slack, Mattermost or Rocket.Chat
	FormTeams = "teams" // an Adaptive Card, for a workflow of Microsoft Teams
)

// Webhook posts messages to a URL. Secrets are read for each message, so that changed ones are used at once.
type Webhook struct {
	URL       func() (string, error) // secret: whoever knows it may post
	Key       func() (string, error) // signs; nil signs nothing
	Form      string
	UserAgent string
	TLS       *tls.Config // nil is the system's
}

// Send implements Sender. No error holds the URL's path.
func (w *Webhook) Send(ctx context.Context, m *Message) error {
	err := w.post(ctx, m)
	if err != nil {
		return fmt.Errorf("post to the webhook: %w", err)
	}
	return nil
}

func (w *Webhook) post(ctx context.Context, m *Message) error {
	target, err := w.URL()
	if err != nil {
		return err
	}
	if err := CheckURL(target); err != nil {
		return err
	}
	body, err := form(w.Form, m)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", w.UserAgent)
	if w.Key != nil {
		key, err := w.Key()
		if err != nil {
			return err
		}
		stamp := strconv.FormatInt(m.SentAt.Unix(), 10)
		r.Header.Set(TimestampHeader, stamp)
		r.Header.Set(SignatureHeader, Sign(key, stamp, body))
	}
	return w.do(r)
}

// Sign returns the signature of a body that was sent at a timestamp.
func Sign(key, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(timestamp + "."))
	h.Write(body)
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

func (w *Webhook) do(r *http.Request) error {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: w.TLS, DisableKeepAlives: true, // messages are far between
		ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // what it was asked to post, another place need not know
	}}
	answer, err := client.Do(r)
	if err != nil {
		return withoutURL(err)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing of it is needed
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
	switch answer.StatusCode / 100 {
	case 2:
		return nil
	case 3:
		return fmt.Errorf("it answers %s, a redirection: name the place that it leads to", answer.Status)
	}
	err = fmt.Errorf("it answers %s", answer.Status)
	if text := oneLine(string(said)); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	if after, ok := retryAfter(answer.Header.Get("Retry-After"), time.Now()); ok {
		return &laterError{err, after}
	}
	return err
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds, or a date.
func retryAfter(text string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 && seconds < 1<<30 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// CheckURL returns what is wrong with the URL of a webhook, without quoting it.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("the URL cannot be read: it is to look like https://host/path")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return errors.New("the URL is not one of http or https: it is to look like https://host/path")
	}
	return nil
}

// withoutURL cuts from an error of net/http what is secret.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// form writes a message in one of the forms.
func form(name string, m *Message) ([]byte, error) {
	switch name {
	case FormSlack:
		return json.Marshal(map[string]string{"text": slackText(m)})
	case FormTeams:
		return json.Marshal(teamsCard(m))
	}
	return json.Marshal(m)
}

// How many bytes of text fit in what a chat takes, with what it is wrapped in: a message that is too large is refused, and would be
// refused again for ever. Teams takes 28 KiB, Slack cuts after 40,000 characters.
// https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams https://docs.slack.dev/reference/methods/chat.postMessage
const (
	mostOfTeams = 12 << 10
	mostOfSlack = 30 << 10
)

// slackText is what Slack shows: its own letters are spelt out. https://api.slack.com/reference/surfaces/formatting
func slackText(m *Message) string {
	spell := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	sign := ":white_check_mark:"
	if m.IsTrouble() {
		sign = ":warning:"
	}
	return fmt.Sprintf("%s *%s*\n%s", sign, spell(strings.ReplaceAll(m.Subject(), "*", "∗")), spell(m.textWithin(mostOfSlack)))
}

// teamsCard is a message with an Adaptive Card. https://adaptivecards.io/explorer/
func teamsCard(m *Message) any {
	type object = map[string]any
	colour := "good"
	if m.IsTrouble() {
		colour = "attention"
	}
	block := func(text string) object {
		return object{"type": "TextBlock", "wrap": true, "text": plainMarkdown(text)}
	}
	title := block(m.Subject())
	title["weight"], title["size"], title["color"] = "bolder", "medium", colour
	body := []object{title}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(m.textWithin(mostOfTeams)), "\n\n") {
		body = append(body, block(strings.ReplaceAll(paragraph, "\n", "\n\n")))
	}
	return object{
		"type": "message",
		"attachments": []object{{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content": object{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body,
			},
		}},
	}
}

// plainMarkdown keeps names from being read as Markdown.
func plainMarkdown(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "`", "\\`").Replace(text)
}
