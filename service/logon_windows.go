package service

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	advapi               = windows.NewLazySystemDLL("advapi32.dll")
	lsaOpenPolicy        = advapi.NewProc("LsaOpenPolicy")
	lsaAddAccountRights  = advapi.NewProc("LsaAddAccountRights")
	lsaClose             = advapi.NewProc("LsaClose")
	lsaNtStatusToWinCode = advapi.NewProc("LsaNtStatusToWinError")
)

// allowServiceLogon gives an account the right to log on as a service, as the Services window does it. It says in words
// what came of it: the service is installed all the same.
func allowServiceLogon(name string) []string {
	const right = "SeServiceLogonRight"
	if err := addRight(name, right); err != nil {
		return []string{fmt.Sprintf("%s may have no right to log on as a service (%v): give it in secpol.msc, Local Policies, User Rights Assignment", name, err)}
	}
	return []string{name + " may log on as a service"}
}

func addRight(name, right string) error {
	const (
		createAccount = 0x10
		lookupNames   = 0x800
	)
	sid, _, _, err := windows.LookupSID("", strings.TrimPrefix(name, `.\`)) // "." is unknown there
	if err != nil {
		return err
	}
	if err := lsaAddAccountRights.Find(); err != nil {
		return err
	}
	var policy windows.Handle
	attributes := windows.OBJECT_ATTRIBUTES{Length: uint32(unsafe.Sizeof(windows.OBJECT_ATTRIBUTES{}))}
	status, _, _ := lsaOpenPolicy.Call(0, uintptr(unsafe.Pointer(&attributes)), createAccount|lookupNames, uintptr(unsafe.Pointer(&policy)))
	if err := lsaError(status); err != nil {
		return err
	}
	defer lsaClose.Call(uintptr(policy)) //nolint:errcheck // nothing is lost
	text, err := windows.NewNTUnicodeString(right)
	if err != nil {
		return err
	}
	status, _, _ = lsaAddAccountRights.Call(uintptr(policy), uintptr(unsafe.Pointer(sid)), uintptr(unsafe.Pointer(text)), 1)
	return lsaError(status)
}

func lsaError(status uintptr) error {
	if status == 0 {
		return nil
	}
	code, _, _ := lsaNtStatusToWinCode.Call(status)
	return windows.Errno(code)
}
