package mounted

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEndOf(t *testing.T) {
	const kernel = "nodev\ttmpfs\n\text4\nnodev\toverlay\n"
	for _, c := range []struct {
		required bool
		kind     string
		err      error
		want     end
	}{
		{false, "tmpfs", unix.EPERM, skips},
		{true, "tmpfs", unix.EPERM, fails},
		{true, "overlay", unix.EACCES, fails},
		{true, "fuse", unix.ENODEV, skips}, // the kernel does not have it
		{true, "", unix.EPERM, fails},      // bind mounts it always has
		{false, "", unix.EPERM, skips},
		{false, "overlay", unix.EINVAL, broken},
		{true, "fuse", fmt.Errorf("open /dev/fuse: %w", unix.ENOENT), skips},
	} {
		if got := endOf(situation{c.required, kernel}, c.kind, c.err); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestMayMount(t *testing.T) {
	for mask, want := range map[string]bool{
		"Name:\tx\nCapEff:\t000001fffeffffff\n": true,
		"CapEff:\t00000000a80425fb\n":           false, // of a container
		"CapEff:\t0000000000000000\n":           false,
		"CapEff:\tx\n":                          false,
		"":                                      false,
	} {
		if got := mayMount(mask); got != want {
			t.Errorf("%q: %v", mask, got)
		}
	}
}
