package service

import (
	"reflect"
	"testing"
)

func TestPathsIn(t *testing.T) {
	for list, want := range map[string][]string{
		"":                            nil,
		"/srv/out -/srv/sent":         {"/srv/out", "-/srv/sent"},
		`"-/srv/my out" /x`:           {"-/srv/my out", "/x"},
		"-/srv/my out +/x":            {"-/srv/my out", "+/x"},
		`"/srv/a \"b\" c" "-/srv/$x"`: {`/srv/a "b" c`, "-/srv/$x"},
	} {
		if got := pathsIn(list); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", list, got, want)
		}
	}
}

func TestConfinement(t *testing.T) {
	c := confinementIn(propertiesIn("ProtectSystem=strict\nPrivateTmp=yes\nReadWritePaths=/srv/out -/srv/sent\nStateDirectory=dropferry\nLogsDirectory=dropferry:alias\n" +
		"User=dropferry\nGroup=dropferry\nSupplementaryGroups=erp backup\nAmbientCapabilities=cap_dac_read_search cap_lease\n" +
		"LoadCredential=acme-pass:/etc/dropferry/acme-pass\nLoadCredential=b:/x\nLoadCredentialEncrypted=c:/y\n"))
	want := Confinement{
		ReadOnly: true, OwnTmp: true, Writable: []string{"/srv/out", "/srv/sent", "/var/lib/dropferry", "/var/log/dropferry"}, Credentials: []string{"acme-pass", "b", "c"},
		Rights: Rights{
			Account: "dropferry", Group: "dropferry", Groups: []string{"erp", "backup"}, Capabilities: []string{"cap_dac_read_search", "cap_lease"},
		},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, want %+v", c, want)
	}
	for path, may := range map[string]bool{
		"/srv/out": true, "/srv/out/a/b": true, "/srv/outside": false, "/srv": false, "/var/lib/dropferry/log": true, "/etc": false, "/srv/out/../x": false,
	} {
		if got := c.MayWrite(path); got != may {
			t.Errorf("%s: %v", path, got)
		}
	}
	for path, hidden := range map[string]bool{"/tmp": true, "/tmp/out": true, "/var/tmp/a": true, "/tmpfs": false, "/srv/tmp": false, "/var": false} {
		if got := c.Hides(path); got != hidden {
			t.Errorf("%s is hidden: %v", path, got)
		}
	}
	open := confinementIn(propertiesIn("ProtectSystem=full\nPrivateTmp=no\nReadWritePaths=\n"))
	if open.ReadOnly || !open.MayWrite("/srv") || open.Hides("/tmp/out") || open.Credentials != nil {
		t.Errorf("%+v", open)
	}
}
