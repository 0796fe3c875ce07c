package agent

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/state"
)

// Routes are known by the names of their folder and destination. A name that is not known may be a renaming: taken for a
// new thing, everything that was delivered under the old one would be sent again. So it is refused, unless the
// configuration says what it was.

// namesOf returns what a configuration calls its folders and destinations.
func namesOf(c *config.Config) []state.Name {
	var names []state.Name
	for i := range c.Destinations {
		d := &c.Destinations[i]
		names = append(names, state.Name{Kind: state.DestinationName, Name: d.Name, Place: d.Host, Port: d.Port, User: d.User})
	}
	for i := range c.Folders {
		f := &c.Folders[i]
		names = append(names, state.Name{Kind: state.FolderName, Name: f.Name, Place: f.Path, Mode: f.Mode})
	}
	return names
}

// naming compares the names of a configuration with those that the store knows.
type naming struct {
	config *config.Config
	names  []state.Name // of the configuration
	known  []state.Name
	past   []state.Renaming

	result state.Configured
	faults config.Faults
}

// reconcile returns what the store has to change before it works with a configuration, or the faults of its names.
func reconcile(c *config.Config, known []state.Name, past []state.Renaming) (state.Configured, error) {
	n := naming{config: c, names: namesOf(c), known: known, past: past}
	for i := range c.Destinations {
		n.settle(n.names[i], c.Destinations[i].Was)
	}
	for i := range c.Folders {
		n.settle(n.names[len(c.Destinations)+i], c.Folders[i].Was)
	}
	if len(n.faults) > 0 {
		return state.Configured{}, n.faults
	}
	n.result.Names = n.names
	n.forgetMoved()
	return n.result, nil
}

// settle decides about one name.
func (n *naming) settle(name state.Name, was *string) {
	now, isKnown := n.lookUp(name.Kind, name.Name)
	switch {
	case was == nil && !isKnown:
		n.suspect(name)
	case was == nil, *was == "":
	case isKnown && n.applied(name, *was): // people leave it in the file
	default:
		old, wasKnown := n.lookUp(name.Kind, *was)
		switch {
		case wasKnown && isKnown && now.Used:
			n.fault(name, fmt.Sprintf("was = %q, but both names have files of their own", *was), "leave was out, or use a name that was never used")
		case wasKnown:
			n.result.Renamings = append(n.result.Renamings, state.Renaming{Kind: name.Kind, Was: old.Name, Name: name.Name})
		case !isKnown && n.knowsAny(name.Kind):
			n.fault(name, fmt.Sprintf("was = %q, which no %s was ever called", *was, name.Kind), n.nearest(name.Kind, *was))
		}
	}
}

// suspect refuses a new name for what looks like something known that has lost its name.
func (n *naming) suspect(name state.Name) {
	var last *state.Name
	for i := range n.known {
		k := &n.known[i]
		if k.Kind == name.Kind && k.Used && sameThing(k, &name) && !n.isConfigured(k.Kind, k.Name) && !n.isClaimed(k.Kind, k.Name) &&
			(last == nil || k.Seen.After(last.Seen)) {
			last = k
		}
	}
	if last == nil {
		return
	}
	what := "has the path of folder"
	if name.Kind == state.DestinationName {
		what = "has the host and user of destination"
	}
	n.fault(name, fmt.Sprintf("%s %q, which is not in the file any more: as a new one it would be sent again what that has delivered", what, last.Name),
		fmt.Sprintf("was = %q says that it is the same under a new name; was = \"\" says that it is new", last.Name))
}

// sameThing tells whether two names stand for one folder, or one account.
func sameThing(x, y *state.Name) bool {
	if x.Kind == state.FolderName {
		if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
			return strings.EqualFold(x.Place, y.Place)
		}
		return x.Place == y.Place
	}
	return sameHost(x.Place, y.Place) && x.User == y.User
}

func sameHost(x, y string) bool {
	return strings.EqualFold(strings.TrimSuffix(x, "."), strings.TrimSuffix(y, "."))
}

// forgetMoved has mirrors planned anew whose destination is another server or account now: what is known of them is
// known of the old one. An outbox stays delivered.
func (n *naming) forgetMoved() {
	for i := range n.config.Folders {
		f := &n.config.Folders[i]
		if f.Mode != config.Mirror {
			continue
		}
		for _, to := range f.To {
			d, _ := n.config.Destination(to.Destination)
			k, ok := n.lookUp(state.DestinationName, n.before(state.DestinationName, d.Name))
			if ok && (!sameHost(k.Place, d.Host) || k.Port != d.Port || k.User != d.User) {
				n.result.Forget = append(n.result.Forget, state.Route{Folder: f.Name, Destination: d.Name})
			}
		}
	}
}

// before returns the name that something had before this configuration.
func (n *naming) before(kind state.Named, name string) string {
	return before(n.result.Renamings, kind, name)
}

func before(renamings []state.Renaming, kind state.Named, name string) string {
	for _, r := range renamings {
		if r.Kind == kind && r.Name == name {
			return r.Was
		}
	}
	return name
}

// after returns the name that something has after renamings.
func after(renamings []state.Renaming, kind state.Named, name string) string {
	for _, r := range renamings {
		if r.Kind == kind && r.Was == name {
			return r.Name
		}
	}
	return name
}

func (n *naming) lookUp(kind state.Named, name string) (state.Name, bool) {
	for _, k := range n.known {
		if k.Kind == kind && k.Name == name {
			return k, true
		}
	}
	return state.Name{}, false
}

func (n *naming) knowsAny(kind state.Named) bool {
	return slices.ContainsFunc(n.known, func(k state.Name) bool { return k.Kind == kind })
}

// applied tells whether a renaming was made before.
func (n *naming) applied(name state.Name, was string) bool {
	return slices.ContainsFunc(n.past, func(r state.Renaming) bool {
		return r.Kind == name.Kind && r.Was == was && r.Name == name.Name
	})
}

func (n *naming) isConfigured(kind state.Named, name string) bool {
	return slices.ContainsFunc(n.names, func(k state.Name) bool { return k.Kind == kind && k.Name == name })
}

// isClaimed tells whether another table says that it had the name.
func (n *naming) isClaimed(kind state.Named, name string) bool {
	if kind == state.DestinationName {
		return slices.ContainsFunc(n.config.Destinations, func(d config.Destination) bool { return d.Was != nil && *d.Was == name })
	}
	return slices.ContainsFunc(n.config.Folders, func(f config.Folder) bool { return f.Was != nil && *f.Was == name })
}

func (n *naming) nearest(kind state.Named, was string) string {
	var names []string
	for _, k := range n.known {
		if k.Kind == kind {
			names = append(names, k.Name)
		}
	}
	if near := config.Nearest(was, names); near != "" {
		return fmt.Sprintf("did you mean was = %q?", near)
	}
	return "known are " + strings.Join(names, ", ")
}

func (n *naming) fault(name state.Name, text, hint string) {
	if name.Kind == state.DestinationName {
		n.faults = append(n.faults, n.config.DestinationFault(name.Name, text, hint))
		return
	}
	n.faults = append(n.faults, n.config.FolderFault(name.Name, text, hint))
}

// namesApplied returns the faults of a configuration's names, and those that a run has to carry over first: until then
// the store knows nothing of what the new names stand for.
func namesApplied(ctx context.Context, store namesStore, c *config.Config) error {
	names, err := reconciled(ctx, store, c)
	if err != nil {
		return err
	}
	n := naming{config: c}
	for _, r := range names.Renamings {
		n.fault(state.Name{Kind: r.Kind, Name: r.Name}, fmt.Sprintf("was = %q is not applied yet, so that nothing can be said of it", r.Was),
			"`dropferry once`, `run` or `reload` applies it")
	}
	if len(n.faults) > 0 {
		return n.faults
	}
	return nil
}
