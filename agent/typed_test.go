package agent

import "testing"

func TestTyped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, file, want string }{
		{"then: dropferry trust acme", "", "then: dropferry trust acme"},
		{"then: dropferry trust acme", "a.toml", "then: dropferry -c a.toml trust acme"},
		{"`dropferry once` or `dropferry run`", "a b.toml", "`dropferry -c " + shellWord("a b.toml") + " once` or `dropferry -c " + shellWord("a b.toml") + " run`"},
		{"sudo dropferry -c x.toml doctor", "a.toml", "sudo dropferry -c x.toml doctor"},
		{"try `dropferry demo`; dropferry runs; mydropferry run; dropferry trusted", "a.toml", "try `dropferry demo`; dropferry runs; mydropferry run; dropferry trusted"},
		{"dropferry retry $1", "$HOME.toml", "dropferry -c " + shellWord("$HOME.toml") + " retry $1"},
	} {
		if got := Typed(c.text, c.file); got != c.want {
			t.Errorf("%q with %q is %q, want %q", c.text, c.file, got, c.want)
		}
	}
}
