package state

import (
	"math"

	"golang.org/x/sys/windows"
)

// freeIn returns how many bytes the account can still write to the volume of dir.
func freeIn(dir string) (int64, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(min(free, math.MaxInt64)), nil
}
