package config

import (
	"fmt"
	"time"
)

// Hooks are programs that run after what has become of a file of a folder.
type Hooks struct {
	OnDelivered []string      // the program and its arguments, for each receipt; empty without
	OnFailed    []string      // for each file that is held or given up
	Timeout     time.Duration // of one run
}

const defaultHookTimeout = time.Minute

func (t table) hooks() Hooks {
	sub, given := t.single("hooks", kindHooks)
	if !given {
		return Hooks{}
	}
	sub.unknown()
	h := Hooks{
		OnDelivered: sub.arguments("on_delivered"), OnFailed: sub.arguments("on_failed"),
		Timeout: sub.duration("timeout", defaultHookTimeout),
	}
	if !sub.has("on_delivered") && !sub.has("on_failed") {
		t.faultAt("hooks", "hooks names no program", `hooks = { on_delivered = ["/usr/local/bin/sent"] }`)
	}
	return h
}

// checkHooks compares a folder's hooks with the disk.
func (c *Config) checkHooks(i int) Faults {
	f := &c.Folders[i]
	var faults Faults
	check := c.pathChecker(&faults, place("").key("folder").index(i).key("hooks"), f.Line, fmt.Sprintf("folder %q: hooks", f.Name), "folder.hooks")
	if len(f.Hooks.OnDelivered) > 0 {
		check("on_delivered", f.Hooks.OnDelivered[0], checkProgram)
	}
	if len(f.Hooks.OnFailed) > 0 {
		check("on_failed", f.Hooks.OnFailed[0], checkProgram)
	}
	return faults
}
