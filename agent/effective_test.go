package agent

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/file"
)

// All keys of the example are shown as the file names them, and no secret's value can be.
func TestEffectiveConfiguration(t *testing.T) {
	c, err := config.Load(filepath.Join("..", "agent.toml.example"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(effective(c))
	if err != nil {
		t.Fatal(err)
	}
	hook, err := json.Marshal(filepath.Join(filepath.Dir(c.File), "secrets", "hook"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"stall_timeout":"30s"`, `"key_passphrase":"credential acme-pass"`, `"password":null`, `"to":["acme:invoices/{yyyy}-{mm}"]`, `"timezone":"Europe/Berlin"`,
		`"ca_file":""`, `"url":` + string(hook), `"listen":"127.0.0.1:8622"`, `"give_up_after":"24h0m0s"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

func TestRecentLines(t *testing.T) {
	r := &recent{}
	log := r.logger(slog.DiscardHandler)
	log.Info("the discarding handler lets nothing through")
	var b strings.Builder
	log = r.logger(slog.NewTextHandler(&b, nil)).With("folder", "in")
	for i := range 2*recentLines + 7 {
		log.Info("line", "n", i)
	}
	log.Debug("not logged, and so not kept")
	log.Info(strings.Repeat("x", 2*longestLine))
	all := r.all()
	if len(all) != recentLines || !strings.Contains(all[0], "n=308") || !strings.Contains(all[recentLines-2], "folder=in n=606") || len(all[recentLines-1]) != longestLine {
		t.Errorf("%d lines, from %q to %q", len(all), all[0], all[recentLines-2])
	}
	if !strings.Contains(b.String(), "n=606") {
		t.Error("the log itself lacks a line")
	}
}

func TestPatternsOfHistory(t *testing.T) {
	for pattern, want := range map[string]string{"*.xml": "a.xml 2026/b.xml", "2026/*": "2026/b.xml", "**/b.*": "2026/b.xml", "c": ""} {
		match, err := matching(pattern)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range []string{"a.xml", "2026/b.xml", "2026/c/d.txt"} {
			if match(file.Path(p)) {
				got = append(got, p)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
	if _, err := matching("[a"); err == nil {
		t.Error("a pattern that makes no sense is taken")
	}
}
