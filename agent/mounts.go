package agent

import (
	"context"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// mounts is a folder's watcher.Mounts, in the store.
type mounts struct {
	store        *state.Store
	folder, root string
}

// Mounted implements watcher.Mounts.
func (m *mounts) Mounted(ctx context.Context) ([]file.Path, error) {
	return m.store.Mounts(ctx, m.folder, m.root)
}

// SaveMounted implements watcher.Mounts.
func (m *mounts) SaveMounted(ctx context.Context, places []file.Path) error {
	return m.store.SaveMounts(ctx, m.folder, m.root, places)
}

// mountsRead is one for whoever only looks.
type mountsRead struct {
	store interface {
		Mounts(ctx context.Context, folder, root string) ([]file.Path, error)
	}
	folder, root string
}

// Mounted implements watcher.Mounts.
func (m *mountsRead) Mounted(ctx context.Context) ([]file.Path, error) {
	return m.store.Mounts(ctx, m.folder, m.root)
}

// SaveMounted implements watcher.Mounts.
func (*mountsRead) SaveMounted(context.Context, []file.Path) error { return nil }
