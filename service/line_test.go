package service

import (
	"slices"
	"strings"
	"testing"
)

func TestRegistrations(t *testing.T) {
	want := registration{"erp", `C:\Program Files\dropferry\dropferry.exe`, `D:\conf\erp.toml`}
	if got, ok := registrationOf(want.words()); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, line := range []string{
		"", "dropferry.exe", "dropferry.exe -c a.toml run", "svchost.exe -k netsvcs -p -s Schedule x", "dropferry.exe -c a.toml service run --name x y",
		"dropferry.exe -d a.toml service run --name x",
	} {
		if got, ok := registrationOf(strings.Fields(line)); ok {
			t.Errorf("%q was taken for %+v", line, got)
		}
	}
}

func TestConfigName(t *testing.T) {
	for name, want := range map[string]string{
		"dropferry": "agent.toml", "erp": "agent.toml", "dropferry@erp": "erp.toml", "dropferry@": "agent.toml", "dropferry@a/b": "agent.toml",
	} {
		if got := configName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestServicesOfAProgramAndOfAConfiguration(t *testing.T) {
	all := []registration{{"dropferry", `C:\p\d.exe`, `C:\d\agent.toml`}, {"dropferry@erp", `c:\P\D.exe`, `C:\d\erp.toml`}, {"byhand", `D:\d.exe`, `c:\D\agent.toml`}}
	if got := ofProgram(all, `C:\p\d.exe`); !slices.Equal(got, []string{"dropferry", "dropferry@erp"}) {
		t.Errorf("of the program: %v", got)
	}
	if got := sharing(all, "dropferry", `C:\d\agent.toml`); !slices.Equal(got, []string{"byhand"}) {
		t.Errorf("with the configuration: %v", got)
	}
	if got := sharing(all, "DROPFERRY@erp", `C:\d\erp.toml`); len(got) != 0 {
		t.Errorf("it shares with itself: %v", got)
	}
}
