package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

// pageJSON is what `page --json` prints.
type pageJSON struct {
	Address   string `json:"address"`    // where the agent answers
	URL       string `json:"url"`        // signs a browser in: a secret
	TokenFile string `json:"token_file"` // with the token that programs send
}

func (p *program) pageCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "page",
		Short: "Print the address that signs a browser in to the running agent",
		Long: "page prints the address at which a browser is signed in to the running agent, for 30 days. It is a secret: whoever has it\n" +
			"may do what commands may. Programs send the token of control.token in the state directory instead.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return p.page(command.Context()) },
	}
}

func (p *program) page(ctx context.Context) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	agent, err := control.Dial(ctx, c.Agent.StateDir)
	if err != nil {
		return err
	}
	s, err := agent.Status(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.Agent.Address == "" && c.Control.Listen == "":
		return errors.New(`the agent answers nowhere over HTTP, since [control] listen = "": change that, and dropferry reload`)
	case s.Agent.Address == "":
		return fmt.Errorf("the agent answers nowhere over HTTP: its log says why it could not listen at %s", c.Control.Listen)
	}
	token, err := control.Token(c.Agent.StateDir)
	if err != nil {
		return err
	}
	shown := pageJSON{
		Address: s.Agent.Address, URL: control.SignInURL(s.Agent.Address, token), TokenFile: control.TokenPath(c.Agent.StateDir),
	}
	if p.json {
		return p.printJSON(shown)
	}
	return p.printf("%s\n", shown.URL)
}
