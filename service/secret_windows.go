package service

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// dpapiPurpose is mixed into what is protected, so that it is not taken for anything else's.
const dpapiPurpose = "dropferry secret 1"

// Protect returns what is stored of a secret. It is bound to this machine, not to an account: an administrator sets what
// the service's account reads. On the machine, the rights of its file guard it; a copy of the file is worth nothing
// elsewhere.
func Protect(secret []byte) ([]byte, error) {
	var out windows.DataBlob
	err := windows.CryptProtectData(blob(secret), nil, blob([]byte(dpapiPurpose)), 0, nil,
		windows.CRYPTPROTECT_LOCAL_MACHINE|windows.CRYPTPROTECT_UI_FORBIDDEN, &out)
	if err != nil {
		return nil, fmt.Errorf("protect a secret with DPAPI: %w", err)
	}
	return taken(&out), nil
}

// Unprotect returns the secret of which stored was kept.
func Unprotect(stored []byte) ([]byte, error) {
	if len(stored) == 0 {
		return nil, errors.New("it is empty: set it with `dropferry secret set`")
	}
	var out windows.DataBlob
	err := windows.CryptUnprotectData(blob(stored), nil, blob([]byte(dpapiPurpose)), 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out)
	if err != nil {
		return nil, fmt.Errorf("it was not set with `dropferry secret set` on this machine: %w", err)
	}
	return taken(&out), nil
}

func blob(b []byte) *windows.DataBlob {
	if len(b) == 0 {
		return &windows.DataBlob{}
	}
	return &windows.DataBlob{Size: uint32(len(b)), Data: &b[0]}
}

// taken copies what the system has made, and wipes and frees the system's.
func taken(b *windows.DataBlob) []byte {
	if b.Data == nil {
		return nil
	}
	system := unsafe.Slice(b.Data, b.Size)
	own := append([]byte(nil), system...)
	clear(system)
	_, _ = windows.LocalFree(windows.Handle(unsafe.Pointer(b.Data))) // at worst it stays until the process ends
	return own
}
