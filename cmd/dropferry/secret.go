package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
)

func (p *program) secretCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "secret",
		Short: "Keep passwords and passphrases in the state directory",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return usageError("say what: secret set NAME") },
	}
	command.AddCommand(p.secretSetCommand())
	return command
}

func (p *program) secretSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME",
		Short: `Read a secret from standard input and keep it for { credential = "NAME" }`,
		Long: "set reads a secret from standard input, without an echo from a terminal, and keeps it in state_dir/secrets, where\n" +
			"only the agent's account can read it. One line end behind it is cut off. It is read anew at each login.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			name := args[0]
			if err := config.CheckCredential(name); err != nil {
				return usageError(err.Error())
			}
			secret, err := p.readSecret(command.Context(), name)
			if err != nil {
				return err
			}
			file, err := agent.SetSecret(c, name, secret)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(map[string]string{"name": name, "file": file})
			}
			return p.printf("%s is stored in %s.\n", name, file)
		},
	}
}

// readSecret reads standard input to its end, or a line that is not shown from a person at a terminal.
func (p *program) readSecret(ctx context.Context, name string) (secret []byte, err error) {
	if isTerminal(p.in) {
		_, _ = fmt.Fprintf(p.err, "%s: ", shown(name))
		secret, err = readHidden(ctx, int(p.in.Fd()))
		_, _ = fmt.Fprintln(p.err)
	} else {
		secret, err = io.ReadAll(io.LimitReader(p.in, config.MaxSecret+1))
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	secret = bytes.TrimSuffix(bytes.TrimSuffix(secret, []byte("\n")), []byte("\r"))
	switch {
	case len(secret) == 0:
		return nil, errors.New("nothing was stored: the secret is empty")
	case len(secret) > config.MaxSecret:
		return nil, fmt.Errorf("nothing was stored: more than %d bytes, which is no secret", config.MaxSecret)
	}
	return secret, nil
}

// readHidden reads a line from a terminal, which shows what is typed again in any case.
func readHidden(ctx context.Context, terminal int) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	go func() { // nothing ends a read of a terminal: after an interrupt it ends with the program
		text, err := term.ReadPassword(terminal)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		return l.text, l.err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(terminal, before))
	}
}
