package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// home returns the directory of the service's configuration, in which its state is too.
func home() string {
	base, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT)
	if err != nil || base == "" {
		base = os.Getenv("ProgramData")
	}
	return filepath.Join(orElse(base, `C:\ProgramData`), "dropferry")
}

// makeHome makes the directories of the service's configuration and state: the service reads the one and changes the
// other, and nobody else but the system and administrators gets in. It says what it has made.
func makeHome(name string) ([]string, error) {
	sid, dir := serviceSID(name), home()
	if err := makePrivate(dir, rightsFor(sid, rightsToRead)); err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "state")
	if err := makePrivate(state, rightsFor(sid, rightsToChange)); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("only administrators and the service get into %s", dir)}, nil
}

// makePrivate makes a directory with these rights, or gives them to the one that is there, if it can be trusted.
func makePrivate(dir, rights string) error {
	sd, err := windows.SecurityDescriptorFromString(rights)
	if err != nil {
		return fmt.Errorf("rights for %s: %w", dir, err)
	}
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return err
	}
	sa := windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(sa))
	err = windows.CreateDirectory(p, &sa) // with its rights from the first moment on
	if !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return pathError("create", dir, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("create %s: there is something else of that name", dir)
	}
	if err := checkOwner(dir); err != nil {
		return err
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return pathError("read the owner's rights on", dir, err)
	}
	dacl, _, err := sd.DACL()
	if err != nil {
		return pathError("read the rights on", dir, err)
	}
	const what = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	return pathError("give rights on", dir, windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, what, owner, nil, dacl, nil))
}

func checkOwner(dir string) error {
	sd, err := windows.GetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return pathError("find the owner of", dir, err)
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return pathError("find the owner of", dir, err)
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return os.NewSyscallError("GetTokenUser", err)
	}
	if !trustedOwner(owner.String(), user.User.Sid.String()) {
		return fmt.Errorf("%s was made by %s, who could read secrets and change the configuration there: look at what is in it, move it away, and install again",
			dir, nameOf(owner))
	}
	return nil
}

func nameOf(sid *windows.SID) string {
	name, domain, _, err := sid.LookupAccount("")
	if err != nil {
		return sid.String()
	}
	return domain + `\` + name
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: path, Err: err}
}
