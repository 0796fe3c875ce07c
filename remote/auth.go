package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

var (
	// errSecret marks a failure to get at a secret, before anything was sent to the server.
	errSecret = errors.New("secret")
	// errDenied marks the end of an authentication that the server does not let succeed.
	errDenied = errors.New("authentication")
	// errSignature marks a key whose signatures the server takes in a form only that is no longer used.
	errSignature = errors.New("signature")
)

// marked is an error that a sentinel stands for, without its text.
type marked struct {
	error
	mark error
}

func (e *marked) Unwrap() []error { return []error{e.error, e.mark} }

// proofs are what an account proves itself with: keys, a password, answers.
type proofs struct {
	signers  []ssh.Signer
	password string // "" where there is none
	answers  []answer
	stale    string // what is wrong with a certificate that was left out; "" where nothing is
	release  func() // the agent that holds keys
}

// Answer is what a server that asks by keyboard-interactive gets for a prompt.
type Answer struct {
	Prompt string // a pattern of the whole prompt: * is any text; upper and lower case do not matter
	Text   func() (string, error)
}

type answer struct{ prompt, text string }

// prove reads the account's secrets, afresh at each dial so that a rotated key or password counts at once. What is wrong with
// them is told before anything was sent. Keys of an agent can be used until ctx ends, or until release.
func (t *Target) prove(ctx context.Context) (*proofs, error) {
	p := &proofs{release: func() {}}
	if err := p.read(ctx, t); err != nil {
		p.release()
		return nil, &marked{err, errSecret}
	}
	return p, nil
}

func (p *proofs) read(ctx context.Context, t *Target) (err error) {
	if p.signers, err = p.keys(ctx, t); err != nil {
		return err
	}
	if t.Password != nil {
		if p.password, err = t.Password(); err != nil {
			return err
		}
	}
	for _, a := range t.Answers {
		text, err := a.Text()
		if err != nil {
			return err
		}
		p.answers = append(p.answers, answer{a.Prompt, text})
	}
	return nil
}

// methods are the ways to log in, in the order of the OpenSSH client; a server that asks for several in turn gets them. auth
// follows what has become of them.
func (p *proofs) methods(auth *authentication) []ssh.AuthMethod {
	auth.stale = p.stale
	var methods []ssh.AuthMethod
	if len(p.signers) > 0 {
		methods = append(methods, ssh.PublicKeys(p.signers...))
	}
	if p.password != "" {
		methods = append(methods, ssh.Password(p.password))
	}
	if p.password != "" || len(p.answers) > 0 {
		// Many servers ask for the password by keyboard-interactive and refuse the method "password", or the reverse.
		methods = append(methods, ssh.KeyboardInteractive(p.challenge(auth)))
	}
	return methods
}

// challenge answers prompts: by the answers that are configured for them, each once, and one hidden prompt with the password.
// Another one asks for something else: a code, a new password in the place of one that has expired, or the right one.
// None of them is there to give, and guessing would count as a failed attempt. So does a prompt that echoes.
func (p *proofs) challenge(auth *authentication) ssh.KeyboardInteractiveChallenge {
	given, used := false, make([]bool, len(p.answers))
	return func(_, instruction string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i, question := range questions {
			n := slices.IndexFunc(p.answers, func(a answer) bool { return matchesPrompt(a.prompt, question) })
			switch {
			case n >= 0 && !used[n]:
				answers[i], used[n] = p.answers[n].text, true
			case n >= 0:
				return nil, &advised{
					fmt.Errorf("the server asks %q again: the answer was not right", shorten(strings.TrimSpace(question))),
					"look at the answer that is configured for the prompt " + strconv.Quote(p.answers[n].prompt),
				}
			case p.password == "" || given || slices.Contains(auth.accepted, "password") || echos[i] || wantsOther(question):
				asked := strings.TrimSpace(strings.TrimSpace(instruction) + " " + strings.TrimSpace(question))
				why := "only a password is configured"
				if len(p.answers) > 0 {
					why = "no answer is configured for it"
				}
				return nil, &advised{
					fmt.Errorf("the server asks %q, and %s", shorten(asked), why),
					fmt.Sprintf("if it can be answered without a person: answers = [{ prompt = %q, file = \"FILE\" }]", shorten(strings.TrimSpace(question))),
				}
			default:
				answers[i], given = p.password, true
			}
		}
		return answers, nil
	}
}

// matchesPrompt tells whether a pattern is the whole of a prompt, but for spaces around it.
func matchesPrompt(pattern, prompt string) bool {
	text := strings.ToLower(strings.TrimSpace(prompt))
	parts := strings.Split(strings.ToLower(strings.TrimSpace(pattern)), "*")
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && text == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

// wantsOther tells whether a prompt asks for something that is surely not the password: a new one, or a code that counts once.
func wantsOther(question string) bool {
	question = strings.ToLower(question)
	holds := func(word string) bool { return strings.Contains(question, word) }
	switch {
	case holds("new password"), holds("one-time"), holds("one time"):
		return true
	case holds("password"):
		return false
	}
	return slices.ContainsFunc([]string{"code", "token", "otp", "verification"}, holds)
}

// authentication follows one attempt to log in: x/crypto/ssh has neither types nor much text for how it ends.
type authentication struct {
	began    bool
	accepts  []string // methods that the server would take next
	accepted []string
	refused  []string
	stale    string // see proofs
}

// follow is an ssh.ClientAuthCallback that leaves the choice to the list of methods, but for one thing: a password that was
// refused is not sent again by keyboard-interactive, which would count as a second attempt.
func (a *authentication) follow(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	a.began, a.accepts, a.accepted = true, c.AllowedMethods, c.PartialSuccessMethods
	a.refused = slices.DeleteFunc(slices.Clone(c.TriedMethods), func(method string) bool { return method == "none" })
	if slices.Contains(a.refused, "password") && !slices.Contains(a.accepted, "password") {
		return nil, errPasswordRefused
	}
	return nil, nil
}

// errPasswordRefused ends an attempt to log in as x/crypto/ssh does when no method is left.
var errPasswordRefused = errors.New("unable to authenticate: the password was refused")

// explain words the end of an attempt, if it is that and not the connection's.
func (a *authentication) explain(user string, err error) error {
	text := err.Error()
	var network net.Error
	switch {
	case !a.began, errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case strings.Contains(text, "ssh: disconnect, reason") && !strings.Contains(text, "uthentication"):
		return err // the server is full or goes down, say
	case strings.Contains(text, "no common public key signature algorithm"):
		return &marked{plain(err), errSignature}
	// SSH_MSG_USERAUTH_PASSWD_CHANGEREQ, RFC 4252 section 8.
	case strings.Contains(text, "unexpected message type 60 "):
		return &marked{fmt.Errorf("the password of %q has expired: the server wants a new one", user), errDenied}
	// SSH_MSG_USERAUTH_FAILURE where keyboard-interactive was to begin: it is refused without a question.
	case strings.Contains(text, "unexpected message type 51 "):
		a.refused = append(a.refused, "keyboard-interactive")
	case !strings.Contains(text, "unable to authenticate"):
		return &marked{plain(err), errDenied}
	}
	takes := strings.Join(a.accepts, ", ")
	switch {
	case len(a.refused) > 0 && len(a.accepted) > 0:
		err = fmt.Errorf("the server accepted %s of %q and then refused %s", strings.Join(a.accepted, ", "), user, strings.Join(a.refused, ", "))
	case len(a.refused) > 0:
		err = fmt.Errorf("the server refused %s of %q; it takes %s", strings.Join(a.refused, ", "), user, takes)
	case len(a.accepted) > 0:
		err = fmt.Errorf("the server accepted %s of %q and then wants %s, for which nothing is configured", strings.Join(a.accepted, ", "), user, takes)
	default:
		err = fmt.Errorf("the server takes only %s of %q, for which nothing is configured", takes, user)
	}
	if a.stale != "" {
		err = fmt.Errorf("%w; %s", err, a.stale)
	}
	return &marked{err, errDenied}
}
