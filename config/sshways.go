package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// noSSHConfig returns the table with what it may lack because of a fault that is told of already.
func (t table) noSSHConfig() table {
	with := t
	with.values = maps.Clone(t.values)
	for _, key := range []string{"host", "user", "key_file"} {
		if !t.has(key) {
			with.values[key] = "unknown"
		}
	}
	return with
}

// withSSHConfig returns the table of a destination with what OpenSSH's configuration says of the host that it names. What the
// table itself says counts more. ignored are the settings that nothing here is made of.
func (t table) withSSHConfig() (with table, ignored []string) {
	const key = "ssh_config"
	alias, given := t.text(key)
	if !given {
		if t.has("ssh_config_file") && !t.has(key) {
			t.faultAt("ssh_config_file", "ssh_config_file is given without ssh_config", key+` = "HOST"`)
		}
		return t, nil
	}
	home, err := os.UserHomeDir()
	if err != nil && !t.has("ssh_config_file") {
		t.faultAt(key, "ssh_config is given, and the account has no home directory with a .ssh/config", `ssh_config_file = "FILE"`)
		return t.noSSHConfig(), nil
	}
	files := []string{filepath.Join(home, ".ssh", "config"), systemSSHConfig()}
	if file, given := t.local("ssh_config_file"); given {
		files = []string{file}
		if err := checkReadable(file); err != nil {
			t.faultAt("ssh_config_file", "ssh_config_file: "+err.Error(), "")
			return t.noSSHConfig(), nil
		}
	}
	h, err := readSSHHost(alias, home, files...)
	if err != nil {
		t.faultAt(key, "ssh_config: "+err.Error(), "")
		return t.noSSHConfig(), nil
	}
	with = t
	with.values = maps.Clone(t.values)
	t.takeOver(h, func(key string, value any) {
		if !t.has(key) {
			with.values[key] = value
		}
	})
	return with, h.skipped
}

// systemSSHConfig is what counts where an account's own file says nothing.
func systemSSHConfig() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "ssh", "ssh_config")
	}
	return "/etc/ssh/ssh_config"
}

// takeOver sets the keys of a destination's table that a host's settings stand for.
func (t table) takeOver(h *sshHost, set func(key string, value any)) {
	set("host", h.host())
	if user := h.values["user"]; user != "" {
		set("user", user)
	}
	if n, given := t.sshNumber(h, "port"); given {
		set("port", n)
	}
	if n, given := t.sshNumber(h, "connecttimeout"); given {
		set("connect_timeout", fmt.Sprintf("%ds", n))
	}
	if alias := h.values["hostkeyalias"]; alias != "" {
		set("host_key_alias", alias)
	}
	t.takeOverWay(h, set)
	t.takeOverKeys(h, set)
	if files := strings.Fields(h.values["userknownhostsfile"]); len(files) > 0 && files[0] != "none" && !t.has("host_key") {
		set("known_hosts", h.expand(files[0]))
		if len(files) > 1 {
			h.skipped = append(h.skipped, "UserKnownHostsFile but for the first")
		}
	}
	var legacy []any
	for _, keyword := range []string{"kexalgorithms", "ciphers", "macs", "hostkeyalgorithms", "pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"} {
		for name := range strings.SplitSeq(strings.TrimLeft(h.values[keyword], "+^"), ",") {
			if !strings.HasPrefix(h.values[keyword], "-") && slices.Contains(LegacyAlgorithms(), name) && !slices.Contains(legacy, any(name)) {
				legacy = append(legacy, name)
			}
		}
	}
	if len(legacy) > 0 {
		set("legacy_algorithms", legacy)
	}
}

// sshNumber returns a host's setting that is a number.
func (t table) sshNumber(h *sshHost, keyword string) (n int64, given bool) {
	value, given := h.values[keyword]
	if !given || value == "none" {
		return 0, false
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.faultAt("ssh_config", fmt.Sprintf("ssh_config: %s = %s is no number", keyword, show(value)), "")
	}
	return n, err == nil
}

// takeOverWay takes over how the server is reached, where the table itself says nothing of that.
func (t table) takeOverWay(h *sshHost, set func(key string, value any)) {
	if t.has("jump") || t.has("proxy") {
		return
	}
	jump := h.values["proxyjump"]
	switch command := h.values["proxycommand"]; {
	case jump != "" && jump != "none":
		var names []any
		for name := range strings.SplitSeq(jump, ",") {
			names = append(names, strings.TrimSpace(strings.TrimPrefix(name, "ssh://")))
		}
		set("jump", names)
		return
	case jump == "" && command != "" && command != "none":
		t.faultAt("ssh_config", "ssh_config: the host is reached by a ProxyCommand, and no commands are run for that",
			`jump = ["NAME"] or proxy = "socks5://HOST:1080" says it here`)
	}
	if bind := h.values["bindaddress"]; bind != "" {
		set("bind_address", bind)
	}
}

// takeOverKeys takes over what the account proves itself with, where the table itself says nothing of that: the first key that
// is there, as ssh does without an agent.
func (t table) takeOverKeys(h *sshHost, set func(key string, value any)) {
	agent := h.values["identityagent"]
	if agent != "" && agent != "none" && !t.has("key_passphrase") {
		if agent == "SSH_AUTH_SOCK" {
			set("ssh_agent", true)
		} else {
			set("ssh_agent", h.expand(agent))
		}
	}
	if !t.has("key_file") && !t.has("password") && !t.has("ssh_agent") {
		names := h.files["identityfile"]
		asked := len(names) > 0
		if !asked {
			names = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
		}
		for i, name := range names {
			name = h.expand(name)
			_, err := os.Stat(name)
			if err == nil || asked && i == len(names)-1 { // a key that is not there is told of later, by its name
				set("key_file", name)
				break
			}
		}
	}
	if names := h.files["certificatefile"]; len(names) > 0 {
		set("certificate", h.expand(names[0]))
	}
}
