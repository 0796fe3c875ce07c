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
	at := place("").key("folder").index(i).key("hooks")
	var faults Faults
	for _, hook := range []struct {
		key  string
		args []string
	}{{"on_delivered", f.Hooks.OnDelivered}, {"on_failed", f.Hooks.OnFailed}} {
		if len(hook.args) == 0 {
			continue
		}
		if err := checkProgram(hook.args[0]); err != nil {
			label := fmt.Sprintf("folder %q: hooks: %s", f.Name, hook.key)
			faults = append(faults, pathFault(c.line(at.key(hook.key), f.Line), label, "folder.hooks."+hook.key, err))
		}
	}
	return faults
}
