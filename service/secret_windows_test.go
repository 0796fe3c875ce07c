package service

import (
	"bytes"
	"testing"
)

func TestSecretIsProtected(t *testing.T) {
	secret := []byte("correct horse battery staple")
	stored, err := Protect(secret)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(stored, secret) {
		t.Error("the secret can be read")
	}
	got, err := Unprotect(stored)
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q, %v", got, err)
	}
	for name, bad := range map[string][]byte{"plain text": secret, "nothing": nil, "a part": stored[:len(stored)/2]} {
		if got, err := Unprotect(bad); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}
