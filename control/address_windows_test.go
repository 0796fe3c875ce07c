package control

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

func TestOnlyTheAccountReadsTheToken(t *testing.T) {
	dir := stateDir(t)
	serve(t, dir, fake{status: func(context.Context) (Status, error) { return Status{}, nil }})
	if _, err := dial(t, dir).Status(t.Context()); err != nil {
		t.Error(err)
	}
	sd, err := windows.GetNamedSecurityInfo(filepath.Join(dir, addressFile), windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		t.Fatal(err)
	}
	for _, everyone := range []string{";WD)", ";BU)", ";AU)", ";IU)"} {
		if text := sd.String(); strings.Contains(text, everyone) {
			t.Errorf("others have rights: %s", text)
		}
	}
}

func TestAddressOfDeadAgent(t *testing.T) {
	for name, text := range map[string]string{
		"dead":      "127.0.0.1:1\nSECRET\n",
		"damaged":   "\x00\x00",
		"elsewhere": "192.0.2.1:80\nSECRET\n",
		"no token":  "127.0.0.1:1\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := stateDir(t)
			if err := writeAddress(dir, text); err != nil {
				t.Fatal(err)
			}
			if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNoAgent) {
				t.Errorf("dial without an agent: %v", err)
			}
			serve(t, dir, fake{})
			dial(t, dir)
			if _, err := os.Stat(filepath.Join(dir, addressFile+".new")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("left: %v", err)
			}
		})
	}
}
