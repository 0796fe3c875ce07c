package agent

import (
	"slices"
	"testing"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// TestProfilesOfTheConfiguration holds that a configuration may name each profile that there is, and no other.
func TestProfilesOfTheConfiguration(t *testing.T) {
	t.Parallel()
	if got, want := config.Profiles, remote.Profiles(); !slices.Equal(got, want) {
		t.Errorf("the configuration knows %q, and there are %q", got, want)
	}
}
