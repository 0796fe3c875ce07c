package rights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Of returns the rights on a file or directory, as Windows writes them.
func Of(name string) (string, error) {
	sd, err := windows.GetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return "", pathError("read the rights on", name, err)
	}
	return sd.String(), nil
}

// Self returns all rights for whom this process is.
func Self() ([]Grant, error) {
	token := windows.GetCurrentProcessToken()
	user, err := token.GetTokenUser()
	if err != nil {
		return nil, os.NewSyscallError("GetTokenUser", err)
	}
	var names []string
	if groups, err := token.GetTokenGroups(); err == nil { // without them it is the account alone
		for _, g := range groups.AllGroups() {
			names = append(names, g.Sid.String())
		}
	}
	var all []Grant
	for _, sid := range identities(user.User.Sid.String(), names) {
		all = append(all, Grant{sid, Change})
	}
	return all, nil
}

// Make makes a directory that only the system, administrators and those with grants get into, with its parents; one that is
// there stays as it is, and nobody is asked for grants then: to find them out may take long.
func Make(dir string, grants func() ([]Grant, error)) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	given, err := grants()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	err = create(dir, "D:PAI"+allowed(nil, given))
	if errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return os.MkdirAll(dir, 0o700) // which says so where it is no directory
	}
	return err
}

// Close is Make, but that a directory which is there gets the grants, and inherits nothing any more. It is refused where
// somebody else has made it than those who rule the machine, this person, or whom owners name.
func Close(dir string, owners []string, grants ...Grant) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	err := create(dir, rightsOf(grants)) // with its rights from the first moment on
	if !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("create %s: there is something else of that name", dir)
	}
	if err := checkOwner(dir, owners); err != nil {
		return err
	}
	there, err := Of(dir)
	if err != nil {
		return err
	}
	return set(dir, closed(there, grants))
}

// Narrow takes the right to read a file or directory away from people nobody has named, where they have it. Else nobody is
// asked for grants.
func Narrow(name string, grants func() ([]Grant, error)) error {
	there, err := Of(name)
	if err != nil || len(Readers(there)) == 0 {
		return err
	}
	given, err := grants()
	if err != nil {
		return err
	}
	return set(name, narrowed(there, given))
}

func create(dir, rights string) error {
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
	return pathError("create", dir, windows.CreateDirectory(p, &sa))
}

// set gives rights, and the owner where they name one.
func set(name, rights string) error {
	sd, err := windows.SecurityDescriptorFromString(rights)
	if err != nil {
		return fmt.Errorf("rights for %s: %w", name, err)
	}
	dacl, _, err := sd.DACL()
	if err != nil {
		return pathError("read the rights for", name, err)
	}
	what := windows.SECURITY_INFORMATION(windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION)
	owner, _, err := sd.Owner()
	if err == nil && owner != nil {
		what |= windows.OWNER_SECURITY_INFORMATION
	} else {
		owner = nil
	}
	return pathError("give rights on", name, windows.SetNamedSecurityInfo(name, windows.SE_FILE_OBJECT, what, owner, nil, dacl, nil))
}

func checkOwner(dir string, owners []string) error {
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
	if !trusted(owner.String(), append([]string{user.User.Sid.String()}, owners...)) {
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
