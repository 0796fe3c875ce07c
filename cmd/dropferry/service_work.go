package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
	"github.com/dropferry/dropferry/watcher"
)

// serviceWork runs the agent for the system's service manager, and tells it which ends a new start would not change.
func (p *program) serviceWork(ctx context.Context, host service.Host) error {
	err := p.agent(ctx, host)
	if code := exitCode(ctx, err); isFinal(code) {
		return &service.Final{Err: err, Code: code}
	}
	return err
}

// serviceEnd makes a success of an end for good where launchd looks: it starts anew whatever has ended otherwise.
func (p *program) serviceEnd(ctx context.Context, goos string, err error) error {
	if _, final := errors.AsType[*service.Final](err); final && goos == "darwin" {
		p.report(ctx, err)
		return exitError(exitOK)
	}
	return err
}

// isFinal tells whether a new start would end with the same exit code, whatever happens meanwhile. The units of systemd list
// these too.
func isFinal(code int) bool { return code == exitUsage || code == exitConfig || code == exitNewer }

// suitsService refuses to install a service for which the configuration cannot be meant. There may be none yet, or one
// with faults, which the service tells of when it starts.
func (p *program) suitsService(setup service.Setup) error {
	_, further, _ := strings.Cut(setup.Name, "@")
	c, err := config.Load(cmp.Or(setup.Config, config.ServiceFile(further)))
	if err != nil {
		_, usual := config.ServiceFor(setup.Config)
		if setup.Config != "" && (!usual || errors.Is(err, fs.ErrNotExist)) {
			return err // a name with a mistake in it, or nobody knows where its state would be
		}
		return nil
	}
	if faults := c.StateAstray(further); len(faults) > 0 {
		return faults
	}
	if faults := c.MappedDrives(watcher.MappedDrive); len(faults) > 0 {
		return faults
	}
	return nil
}

// accountPassword asks for the password of the account that the service is to run as, where it has one.
func (p *program) accountPassword(ctx context.Context, setup service.Setup) (string, error) {
	if !service.WantsPassword(setup.Name, setup.Account) {
		return "", nil
	}
	password, err := p.readSecret(ctx, "password of "+setup.Account)
	return string(password), err
}
