package config

import (
	"fmt"
	"slices"
	"strings"
)

// Answer is what a prompt of the server's gets.
type Answer struct {
	Prompt string // a pattern of the whole prompt, in which * is any text
	Text   Secret
}

// EnvironmentAgent is the SSH agent that the environment names.
const EnvironmentAgent = "auto"

// proofs reads how the account proves itself, besides key_file and the secrets.
func (t table) proofs(d *Destination) {
	d.SshAgent = t.sshAgent()
	d.Certificate, _ = t.local("certificate")
	d.Answers = t.answers()
	hasKey := t.has("key_file") || d.SshAgent != ""
	if !hasKey && !t.has("password") && !t.has("answers") {
		t.faultAt("", "neither key_file nor password is given", `key_file = "FILE" or password = { env = "NAME" }`)
	}
	switch {
	case t.has("key_passphrase") && d.SshAgent != "":
		t.faultAt("key_passphrase", "key_passphrase is given together with ssh_agent, which has the key open", "leave it out")
	case t.has("key_passphrase") && !t.has("key_file"):
		t.faultAt("key_passphrase", "key_passphrase is given without key_file", "")
	}
	if t.has("certificate") && !hasKey {
		t.faultAt("certificate", "certificate is given without the key that it is for", `key_file = "FILE" or ssh_agent = true`)
	}
}

// sshAgent reads true, false, or where the agent listens.
func (t table) sshAgent() string {
	const key = "ssh_agent"
	t.takes(key, Shape{Type: Flag, Default: "false", OrText: true})
	if is, isFlag := t.values[key].(bool); isFlag {
		if is {
			return EnvironmentAgent
		}
		return ""
	}
	text, given := t.text(key)
	switch {
	case !given:
		return ""
	case text == "true" || text == "false":
		t.faultAt(key, key+" is text, not true or false", "without quotes: "+key+" = "+text)
		return ""
	case strings.HasPrefix(text, `\\`) || strings.HasPrefix(text, "//"): // a named pipe
		return text
	}
	place, _ := t.local(key)
	return place
}

// answers reads the answers to prompts.
func (t table) answers() []Answer {
	const key = "answers"
	t.takes(key, Shape{Type: TableList, Table: string(kindAnswer)})
	v, given := t.values[key]
	if !given {
		return nil
	}
	const example = `answers = [{ prompt = "*code*", file = "FILE" }]`
	tables, ok := tablesIn(v)
	if !ok || len(tables) == 0 {
		t.faultAt(key, key+" is not a list of prompts with their answers", example)
		return nil
	}
	var answers []Answer
	for i, values := range tables {
		sub := table{
			reading: t.reading, kind: kindAnswer, at: t.at.key(key).index(i), dotted: join(t.dotted, key), values: values,
			label: fmt.Sprintf("%s: answer %d", t.label, i+1),
		}
		sub.unknown()
		var a Answer
		if prompt, given := sub.required("prompt", `"*code*"`); given {
			if strings.Trim(prompt, "* ") == "" {
				sub.faultAt("prompt", "prompt = "+show(prompt)+" is every prompt", example)
			}
			a.Prompt = prompt
		}
		if n := sub.countPlaces(); n != 1 {
			sub.faultAt("", fmt.Sprintf("%d places are named for the answer, not one", n), example)
		}
		a.Text = sub.place()
		answers = append(answers, a)
	}
	return answers
}

// LegacyAlgorithms returns the names that legacy_algorithms may have: what this program can still do, and does only when it is
// told to.
func LegacyAlgorithms() []string {
	return []string{
		"diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-sha1",
		"aes128-cbc", "3des-cbc", "hmac-sha1-96", "ssh-rsa", "ssh-dss",
	}
}

func (t table) legacyAlgorithms() []string {
	const key = "legacy_algorithms"
	known := LegacyAlgorithms()
	t.takes(key, Shape{Type: TextList, Words: known})
	elements, _ := t.list(key)
	var names []string
	for _, e := range elements {
		if e.text != "" && !slices.Contains(known, e.text) {
			hint := didYouMean(e.text, known)
			if hint == "" {
				hint = "there are " + strings.Join(known, ", ")
			}
			t.faultOn(e.at, key, key+" holds "+show(e.text)+", which is none that has to be asked for", hint)
		}
		names = append(names, e.text)
	}
	return names
}
