package config

import (
	"slices"
	"strings"
)

// words are the keys of one kind of table, or the values of one key.
type words struct {
	keys  []string // what this version knows
	later []string // what the format has and this version does not
}

// A kind is a table of the format; its value is how the file writes its header.
type kind string

const (
	top          kind = "the top of the file"
	kindAgent    kind = "[agent]"
	kindLog      kind = "[log]"
	kindDefaults kind = "[defaults]"
	kindDest     kind = "[[destination]]"
	kindFolder   kind = "[[folder]]"
	kindRetry    kind = "retry"
	kindMark     kind = "checkpoint"
	kindSchedule kind = "schedule"
	kindSecret   kind = "a secret"
	kindAnswer   kind = "answers"
	kindControl  kind = "[control]"
	kindNotify   kind = "[[notify]]"
	kindHooks    kind = "hooks"
)

// kinds stand in the order in which hints name them.
func kinds() []kind {
	return []kind{top, kindAgent, kindLog, kindDefaults, kindDest, kindFolder, kindRetry, kindMark, kindSchedule, kindControl, kindNotify, kindHooks}
}

// vocabulary returns the keys of a kind of table.
func vocabulary(k kind) words {
	switch k {
	case top:
		return words{
			keys: []string{"version", "agent", "log", "control", "defaults", "destination", "folder", "notify"},
		}
	case kindAgent:
		return words{
			keys: []string{"name", "state_dir", "max_transfers", "bandwidth", "bandwidth_times", "shutdown_grace"},
		}
	case kindLog:
		return words{keys: []string{"level", "format", "target", "file", "max_size", "keep"}}
	case kindControl:
		return words{keys: []string{"listen", "metrics", "hosts"}}
	case kindNotify:
		keys := notifyKeys()
		for _, way := range notifyWays() {
			keys = append(keys, notifyKeysOf(way)...)
		}
		slices.Sort(keys)
		return words{keys: slices.Compact(keys)}
	case kindHooks:
		return words{keys: []string{"on_delivered", "on_failed", "timeout"}}
	case kindDefaults:
		return words{keys: ruleKeys()}
	case kindDest:
		return words{
			keys: []string{
				"name", "host", "port", "user", "key_file", "key_passphrase", "password", "host_key", "known_hosts",
				"root", "connect_timeout", "keepalive", "stall_timeout", "publish", "temp_dir", "auth_retry", "channels", "connections", "bandwidth", "was",
				"profile", "requests", "open_files", "transfers", "max_session_age", "schedule", "bandwidth_times",
				"jump", "proxy", "proxy_user", "proxy_password", "bind_address", "ssh_config", "ssh_config_file", "host_key_alias", "ssh_agent", "certificate", "answers", "legacy_algorithms",
			},
		}
	case kindFolder:
		return words{
			keys: append(append(ruleKeys(), "name", "mode", "path", "include", "marker", "marker_send", "archive", "to", "names", "file_mode", "was", "expect", "hooks"),
				deletingKeys()...),
			later: []string{"backfill"},
		}
	case kindRetry:
		return words{keys: []string{"initial", "max", "give_up_after"}}
	case kindMark:
		return words{keys: []string{"size", "every"}}
	case kindSchedule:
		return words{keys: []string{"timezone", "windows", "at_end"}}
	case kindSecret:
		return words{keys: []string{"env", "file", "credential"}}
	case kindAnswer:
		return words{keys: append([]string{"prompt"}, vocabulary(kindSecret).keys...)}
	}
	return words{}
}

// ruleKeys are the keys that [defaults] may set for every folder.
func ruleKeys() []string {
	return []string{
		"ready", "symlinks", "exclude", "stable_for", "rescan", "order", "sequential", "last", "after", "verify", "ambiguous", "timezone",
		"retry", "checkpoint", "delta", "watch", "poll_interval", "on_conflict", "stalled_after",
	}
}

// home returns a hint where key belongs if not in a table of kind k, or nothing if no table has it.
func home(key string, k kind) string {
	var homes []string
	for _, other := range kinds() {
		if other != k && slices.Contains(vocabulary(other).keys, key) {
			homes = append(homes, string(other))
		}
	}
	if len(homes) == 0 {
		return ""
	}
	return "it belongs in " + strings.Join(homes, " or ")
}
