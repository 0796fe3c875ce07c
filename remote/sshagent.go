package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// EnvironmentAgent stands for the agent that the environment names: SSH_AUTH_SOCK, or on Windows that of OpenSSH.
const EnvironmentAgent = "auto"

// mostOffered is how many keys of an agent are offered to a server. Each one that it does not know counts as a failed login,
// and OpenSSH hangs up after six.
const mostOffered = 5

// agentPatience is for an agent's list of keys, which no person is asked about.
const agentPatience = 5 * time.Second

// agentKeys returns what an agent signs with; see draft-ietf-sshm-ssh-agent. Signatures may be asked for until ctx ends, or
// until release: an agent may wait for a person, and hang.
func agentKeys(ctx context.Context, place string) (signers []ssh.Signer, release func(), err error) {
	if place == EnvironmentAgent {
		if place = agentPlace(); place == "" {
			return nil, nil, &advised{
				errors.New("no SSH agent is to be found: SSH_AUTH_SOCK is not set"),
				"a service sees nothing of a person's agent: write its socket, ssh_agent = \"PATH\", or use key_file",
			}
		}
	}
	conn, err := dialAgent(place)
	if err != nil {
		return nil, nil, &advised{
			fmt.Errorf("reach the SSH agent: %w", err), "is it running, and may this account use it? SSH_AUTH_SOCK=" + place + " ssh-add -l",
		}
	}
	closing := func() { _ = conn.Close() } // which frees whoever waits for it
	hang := time.AfterFunc(agentPatience, closing)
	stop := context.AfterFunc(ctx, closing)
	release = func() {
		stop()
		closing()
	}
	signers, err = agent.NewClient(conn).Signers()
	if late := !hang.Stop(); err != nil || late {
		release()
		if late {
			err = fmt.Errorf("no answer within %v", agentPatience)
		}
		return nil, nil, fmt.Errorf("ask the SSH agent at %s for its keys: %w", place, err)
	}
	return signers, release, nil
}

// chosen returns the keys that are offered: those of the key in a file, or else all.
func chosen(held []ssh.Signer, keyFile string) ([]ssh.Signer, error) {
	switch {
	case len(held) == 0:
		return nil, &advised{errors.New("the SSH agent holds no key"), "ssh-add KEY"}
	case keyFile == "" && len(held) > mostOffered:
		return nil, &advised{
			fmt.Errorf("the SSH agent holds %d keys, and a server takes each that it does not know for a failed login", len(held)),
			`say which one: key_file = "KEY.pub"`,
		}
	case keyFile == "":
		return held, nil
	}
	public, err := publicPart(keyFile)
	if err != nil {
		return nil, err
	}
	var signers []ssh.Signer
	for _, s := range held {
		if bytes.Equal(bareKey(s.PublicKey()).Marshal(), public.Marshal()) {
			signers = append(signers, s)
		}
	}
	if len(signers) == 0 {
		return nil, &advised{fmt.Errorf("the SSH agent does not hold the key of %s: %s", keyFile, keyOf(public)), "ssh-add KEY"}
	}
	return signers, nil
}

// publicPart reads the public key of a file, which may hold the private one, and be encrypted.
func publicPart(name string) (ssh.PublicKey, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return bareKey(public), nil
	}
	signer, err := ssh.ParsePrivateKey(text)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok && missing.PublicKey != nil {
		return missing.PublicKey, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the public key of %s: %w", name, err)
	}
	return signer.PublicKey(), nil
}

// WriteAgentKeys writes which keys an account's agent offers, for fingerprints of the account; nothing where it uses none.
func (t *Target) WriteAgentKeys(w io.Writer) {
	if t.Agent == "" {
		return
	}
	held, release, err := agentKeys(context.Background(), t.Agent)
	if err != nil {
		_, _ = fmt.Fprintf(w, " agent %v", err)
		return
	}
	defer release()
	for _, s := range held {
		_, _ = fmt.Fprintf(w, " agent %q", s.PublicKey().Marshal())
	}
}
