package rights

import "golang.org/x/sys/windows"

// underWine tells whether this is no real Windows.
func underWine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}
