package config

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// route is one target of one folder, in the form in which two of them are compared.
type route struct {
	folder, target int    // indexes
	account        string // the server and the account there
	final          string // where a file goes, with placeholders for what differs from file to file
	dir            string // the part of final before those
	mirror         bool
}

// checkRoutes finds folders that deliver to a destination twice, and routes that would write over one another's files.
func (l *loading) checkRoutes() {
	var routes []route
	for i, f := range l.cfg.Folders {
		for j, to := range f.To {
			r, ok := l.route(i, j)
			if !ok {
				continue
			}
			if slices.ContainsFunc(f.To[:j], func(earlier Target) bool { return earlier.Destination == to.Destination }) {
				l.routeFault(i, j, "a folder has one directory at a destination, and this is its second",
					"a second [[destination]] can name the same server")
				continue
			}
			routes = append(routes, r)
		}
	}
	l.checkTrash(routes)
	for n, later := range routes {
		for _, earlier := range routes[:n] {
			if text := clash(earlier, later); text != "" {
				other := l.cfg.Folders[earlier.folder]
				l.routeFault(later.folder, later.target, fmt.Sprintf("leads to %s, %s folder %s (line %d)",
					later.String(), text, show(other.Name), other.Line),
					"add a subdirectory, or {folder}")
			}
		}
	}
}

func (l *loading) routeFault(folder, target int, text, hint string) {
	t, to := l.folders[folder], l.cfg.Folders[folder].To[target]
	written := to.Destination
	if to.Path != "" {
		written += ":" + to.Path
	}
	t.faultOn(t.at.key("to").index(target), "to", "to "+show(written)+": "+text, hint)
}

// route returns nothing for a target that is at fault already.
func (l *loading) route(i, j int) (route, bool) {
	f := l.cfg.Folders[i]
	d, known := l.cfg.Destination(f.To[j].Destination)
	t, err := f.To[j].Template()
	if text, _ := targetFault(f.To[j], f.Mode); !known || text != "" || err != nil {
		return route{}, false
	}
	host := strings.TrimSuffix(strings.ToLower(d.Host), ".")
	return route{
		folder:  i,
		target:  j,
		account: fmt.Sprintf("%s\x00%d\x00%s", host, d.Port, d.User),
		final:   JoinRemote(d.Root, t.pattern(f.Name, l.cfg.Agent.Name)),
		dir:     JoinRemote(d.Root, t.fixedDir(f.Name, l.cfg.Agent.Name)),
		mirror:  f.Mode == Mirror,
	}, true
}

// String names the directory of the route, or the file where it has a name of its own.
func (r route) String() string {
	switch {
	case r.final == "{name}":
		return "the login directory"
	case path.Base(r.final) == "{name}":
		return path.Dir(r.final)
	}
	return r.final
}

// clash says how the later route stands in the way of the earlier, or the other way round.
func clash(earlier, later route) string {
	switch {
	case earlier.account != later.account:
		return ""
	case earlier.final == later.final:
		return "as does"
	case earlier.mirror && contains(earlier.dir, later.dir):
		return "which lies in the mirror of"
	case later.mirror && contains(later.dir, earlier.dir):
		return "a mirror around the directory of"
	}
	return ""
}

// contains tells whether the remote directory inner is outer or lies below it; "." is the login directory.
func contains(outer, inner string) bool {
	if outer == "." {
		return !path.IsAbs(inner)
	}
	return inner == outer || strings.HasPrefix(inner, strings.TrimSuffix(outer, "/")+"/")
}

// pattern returns the template with what the configuration decides filled in. Templates that put every file into the
// same place have the same pattern, whether they name it or its directory.
func (t Template) pattern(folder, agent string) string {
	var elements []string
	for _, pieces := range t.elements {
		elements = append(elements, expand(pieces, knownWords(folder, agent)))
	}
	if !t.namesFile {
		elements = append(elements, "{name}")
	}
	last := &elements[len(elements)-1]
	*last = strings.ReplaceAll(*last, "{stem}{ext}", "{name}")
	return t.lead + strings.Join(elements, "/")
}
