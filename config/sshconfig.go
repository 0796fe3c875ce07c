package config

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sshHost is what OpenSSH's configuration says of one host, read by the rules of ssh_config(5): of each keyword the first value
// counts.
type sshHost struct {
	alias string // as `ssh ALIAS` has it
	home  string // of the account

	values  map[string]string   // by keyword in lower case; of lists, see below
	files   map[string][]string // of identityfile and certificatefile, which add up
	skipped []string            // keywords, as written, and Match blocks, that are not understood here
}

// deepest is how deep files may include others, as in OpenSSH.
const deepest = 16

// readSSHHost reads the files in turn; those that do not exist say nothing.
func readSSHHost(alias, home string, files ...string) (*sshHost, error) {
	h := &sshHost{alias: alias, home: home, values: map[string]string{}, files: map[string][]string{}}
	for _, name := range files {
		if err := h.read(name, filepath.Dir(name), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return h, nil
}

// read takes what a file says. Relative names that it includes are relative to dir.
func (h *sshHost) read(name, dir string, depth int) error {
	if depth > deepest {
		return fmt.Errorf("%s: files include each other more than %d deep", name, deepest)
	}
	if err := checkRegular(name); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only: nothing can be lost
	applies := true
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		keyword, args, err := sshWords(lines.Text())
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
		switch lower := strings.ToLower(keyword); {
		case keyword == "":
		case len(args) == 0:
			return fmt.Errorf("%s:%d: %s has no value", name, n, keyword)
		case lower == "host":
			applies = matchesHost(args, h.alias)
		case lower == "match":
			applies = h.matches(args)
		case !applies:
		case lower == "include":
			if err := h.include(args, dir, depth); err != nil {
				return err
			}
		default:
			h.take(keyword, args)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func (h *sshHost) include(patterns []string, dir string, depth int) error {
	for _, pattern := range patterns {
		pattern = h.expandHome(pattern)
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(dir, pattern)
		}
		names, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("include %s: %w", pattern, err)
		}
		for _, name := range names {
			if err := h.read(name, dir, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// take notes a setting, unless an earlier one counts.
func (h *sshHost) take(keyword string, args []string) {
	lower, value := strings.ToLower(keyword), strings.Join(args, " ")
	switch {
	case lower == "identityfile" || lower == "certificatefile":
		h.files[lower] = append(h.files[lower], value)
	case !slices.Contains(sshUsed, lower):
		if !slices.Contains(sshNothing, lower) && !strings.HasPrefix(lower, "gssapi") && !slices.Contains(h.skipped, keyword) {
			h.skipped = append(h.skipped, keyword)
		}
	case h.values[lower] == "":
		h.values[lower] = value
	}
}

var (
	// sshUsed are the keywords that say how a destination is reached.
	sshUsed = []string{
		"hostname", "port", "user", "proxyjump", "proxycommand", "hostkeyalias", "userknownhostsfile", "connecttimeout", "bindaddress",
		"identityagent", "ciphers", "kexalgorithms", "macs", "hostkeyalgorithms", "pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes",
	}
	// sshNothing are those that mean nothing where there is no terminal, or that hold here in any case.
	sshNothing = []string{
		"sendenv", "setenv", "hashknownhosts", "batchmode", "identitiesonly", "requesttty", "visualhostkey", "addkeystoagent", "updatehostkeys",
		"forwardx11", "forwardx11trusted", "forwardagent", "escapechar", "tcpkeepalive", "loglevel", "checkhostip",
	}
)

// matches judges a Match line by what is known of the host. What it cannot judge does not match, and is told of.
func (h *sshHost) matches(args []string) bool {
	all := true
	for i := 0; i < len(args); i++ {
		criterion := strings.ToLower(args[i])
		negated := strings.HasPrefix(criterion, "!")
		criterion = strings.TrimPrefix(criterion, "!")
		if criterion == "all" {
			continue
		}
		i++
		var subject string
		switch criterion {
		case "originalhost":
			subject = h.alias
		case "host":
			subject = h.host()
		default:
			h.skipped = append(h.skipped, "Match "+criterion)
			return false
		}
		if i == len(args) || matchesHost(strings.Split(strings.ToLower(args[i]), ","), subject) == negated {
			all = false
		}
	}
	return all
}

// matchesHost tells whether one of the patterns is the host's, and none with ! in front. Upper and lower case count, as they do
// for ssh.
func matchesHost(patterns []string, host string) bool {
	matched := false
	for _, p := range patterns {
		p, negated := strings.CutPrefix(p, "!")
		if !likeHost(p, host) {
			continue
		}
		if negated {
			return false
		}
		matched = true
	}
	return matched
}

// likeHost matches * and ?, in a time that grows with the product of both lengths at most.
func likeHost(pattern, host string) bool {
	star, from := -1, 0 // the last *, and up to where in host it reaches
	i, j := 0, 0
	for j < len(host) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, from = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == host[j]):
			i++
			j++
		case star >= 0: // it has to reach further
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}

// sshWords splits a line: a keyword, and its arguments behind spaces or one =, of which those with spaces stand in quotes.
func sshWords(line string) (keyword string, args []string, err error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", nil, nil
	}
	end := strings.IndexAny(line, " \t=\"")
	if end < 0 {
		return line, nil, nil
	}
	keyword, line = line[:end], strings.TrimLeft(line[end:], " \t")
	line = strings.TrimLeft(strings.TrimPrefix(line, "="), " \t")
	for line != "" && line[0] != '#' {
		var word string
		if line[0] == '"' {
			var closed bool
			if word, line, closed = strings.Cut(line[1:], `"`); !closed {
				return "", nil, errors.New("a quote has no end")
			}
		} else if end := strings.IndexAny(line, " \t"); end >= 0 {
			word, line = line[:end], line[end:]
		} else {
			word, line = line, ""
		}
		args = append(args, word)
		line = strings.TrimLeft(line, " \t")
	}
	return keyword, args, nil
}

func (h *sshHost) expandHome(name string) string {
	if rest, ok := strings.CutPrefix(filepath.ToSlash(name), "~/"); ok {
		return filepath.Join(h.home, filepath.FromSlash(rest))
	}
	return name
}

// host is the name or address that is connected to.
func (h *sshHost) host() string {
	name, given := h.values["hostname"]
	if !given {
		return strings.ToLower(h.alias)
	}
	return strings.NewReplacer("%%", "%", "%h", h.alias, "%n", h.alias).Replace(name)
}

// expand fills the placeholders of ssh_config(5), TOKENS; what it does not know stays.
func (h *sshHost) expand(text string) string {
	return h.expandHome(strings.NewReplacer("%%", "%", "%d", h.home, "%h", h.host(), "%n", h.alias, "%r", h.values["user"]).Replace(text))
}
