package agent

import (
	"context"
	"strings"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// mounts is a folder's watcher.Mounts, in the store.
type mounts struct {
	store  *state.Store
	folder *config.Folder
}

// Mounted implements watcher.Mounts.
func (m *mounts) Mounted(ctx context.Context) ([]file.Path, error) {
	return mountsOf(ctx, m.store, m.folder)
}

// SaveMounted implements watcher.Mounts.
func (m *mounts) SaveMounted(ctx context.Context, places []file.Path) error {
	return m.store.SaveMounts(ctx, m.folder.Name, m.folder.Path, places)
}

// mountsRead is one for whoever only looks.
type mountsRead struct {
	store  mountsReader
	folder *config.Folder
}

type mountsReader interface {
	Mounts(ctx context.Context, folder, root string, links bool) ([]file.Path, error)
}

func mountsOf(ctx context.Context, store mountsReader, f *config.Folder) ([]file.Path, error) {
	return store.Mounts(ctx, f.Name, f.Path, f.Symlinks == config.FollowLinks)
}

// Mounted implements watcher.Mounts.
func (m *mountsRead) Mounted(ctx context.Context) ([]file.Path, error) {
	return mountsOf(ctx, m.store, m.folder)
}

// SaveMounted implements watcher.Mounts.
func (*mountsRead) SaveMounted(context.Context, []file.Path) error { return nil }

// unmounted returns the places in a folder where something was mounted that is not any more, and of which something is known.
func unmounted(ctx context.Context, store *state.Store, f *config.Folder) ([]file.Path, error) {
	places, err := mountsOf(ctx, store, f)
	if err != nil {
		return nil, err
	}
	return watcher.Unmounted(f.Path, places), nil
}

// showUnmounted adds the places whose file systems are waited for.
func showUnmounted(ctx context.Context, f *control.FolderStatus, store *state.Store, c *config.Config) error {
	folder, ok := c.Folder(f.Name)
	if !ok {
		return nil
	}
	places, err := unmounted(ctx, store, folder)
	for _, p := range places {
		f.Unmounted = append(f.Unmounted, string(p))
	}
	if len(places) > 0 {
		f.Reason = joined(f.Reason, "not mounted any more: "+strings.Join(f.Unmounted, ", ")+"; what lay there is taken for unknown until it is, "+
			"or `dropferry resume "+folderWord+f.Name+" --accept-unmounted` says that it is gone")
	}
	return err
}

// acceptUnmounted takes a person's word that what is not mounted in a folder is gone. It is missed then like anything else: the
// folder may halt.
func (m *commander) acceptUnmounted(ctx context.Context, folder string, accept bool, o *control.Outcome) error {
	f, ok := m.config.Folder(folder)
	if !accept || !ok {
		return nil
	}
	places, err := unmounted(ctx, m.store, f)
	if err != nil {
		return err
	}
	if len(places) == 0 {
		return refused("nothing that is known of folder %s lay on a file system that is not mounted now", folder)
	}
	if err := m.store.ForgetMounts(ctx, folder, f.Path, places); err != nil {
		return err
	}
	for _, p := range places {
		o.Unmounted = append(o.Unmounted, string(p))
	}
	o.Count++
	m.alive.Rescan(folder)
	return nil
}
