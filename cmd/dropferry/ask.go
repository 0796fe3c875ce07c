package main

import (
	"context"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/control"
)

// answer asks the running agent, or the store where none runs, and prints what it says: as JSON, or as word words it.
// folders are those that are asked about; none is all.
func answer[T any](ctx context.Context, p *program, folders []string,
	ask func(context.Context, control.API) (T, error), word func(T) error,
) (said T, err error) {
	err = p.asking(ctx, folders, func(api control.API) (err error) {
		said, err = ask(ctx, api)
		return err
	})
	if err != nil {
		return said, err
	}
	if p.json {
		return said, p.printJSON(said)
	}
	return said, word(said)
}

// asking lets use ask the running agent, or the store where none runs.
func (p *program) asking(ctx context.Context, folders []string, use func(control.API) error) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	api, done, err := agent.Ask(ctx, c, folders)
	if err != nil {
		return err
	}
	defer done() //nolint:errcheck // opened for reading
	return use(api)
}
