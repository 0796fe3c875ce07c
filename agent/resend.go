package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// resend plans a delivery once more, under the same name, from the folder's file or from its archived copy: whichever
// still holds what the receipt says.
func (m *commander) resend(ctx context.Context, t *target, o *control.Outcome) error {
	d, found, err := m.store.Receipt(ctx, t.id)
	if err != nil {
		return err
	}
	if !found {
		return m.notDelivered(ctx, t.id)
	}
	if err := knowsRoute(m.config, d.Folder, d.Destination); err != nil {
		return refused("%s cannot be sent again: %v", t.id, err)
	}
	source, print, err := m.copyOf(ctx, &d)
	if err != nil {
		return err
	}
	in := syncer.Resend(&d, source, print, m.now(), m.publishing(d.Destination))
	turn, err := m.turn(d.Folder, d.Path, print)
	if err != nil {
		return err
	}
	results, err := m.store.Plan(ctx, []state.Plan{{Intent: in, Turn: turn}})
	if err != nil {
		return err
	}
	if !results[0].OK {
		return refused("%s cannot be sent again now: %s is about to be published at %q", t.id, results[0].Other, d.RemotePath)
	}
	o.Count, o.ID, o.RemotePath = 1, in.ID, in.Final
	if o.Source = source; !file.Path(source).IsUTF8() {
		o.SourceB64 = []byte(source)
	}
	t.Route = d.Route
	m.alive.Wake(d.Destination)
	return nil
}

// publishing returns how files get their final names at a destination.
func (m *commander) publishing(destination string) syncer.Publishing {
	d, ok := m.config.Destination(destination)
	if !ok {
		return syncer.Publishing{} // nothing is sent there any more
	}
	return publishingOf(d)
}

func (m *commander) notDelivered(ctx context.Context, id string) error {
	in, found, err := m.store.Intent(ctx, id)
	if err != nil {
		return err
	}
	if found {
		return refused("%s is not delivered yet: it is %s", id, in.Phase)
	}
	return refused("there is no delivery with the id %s", id)
}

// copyOf finds a file that holds what was delivered.
func (m *commander) copyOf(ctx context.Context, d *state.Delivery) (source string, print file.Fingerprint, err error) {
	folder, _ := m.config.Folder(d.Folder)
	candidates := []struct{ what, name string }{{"source", d.Path.In(folder.Path)}}
	archived, err := m.store.ArchivedAt(ctx, d.ID)
	if err != nil {
		return "", print, err
	}
	if archived != "" {
		candidates = append(candidates, struct{ what, name string }{"archived copy", archived})
	}
	var why []error
	for _, c := range candidates {
		print, err = holds(ctx, c.name, d)
		if err == nil {
			return c.name, print, nil
		}
		if ctx.Err() != nil {
			return "", print, ctx.Err()
		}
		why = append(why, fmt.Errorf("the %s %q %w", c.what, c.name, err))
	}
	if archived == "" && errors.Is(err, errGone) {
		if _, open, err := m.store.Intent(ctx, d.ID); err != nil || open {
			return "", print, errors.Join(err, refused("%s cannot be sent again now: its source has left the folder and is not "+
				"known to be put away yet; try again", d.ID))
		}
	}
	if archived == "" {
		why = append(why, errors.New("and no archived copy is known"))
	}
	return "", print, refused("%s cannot be sent again, since nothing holds what was delivered: %s", d.ID, inOneLine(why))
}

func inOneLine(all []error) string {
	texts := make([]string, len(all))
	for i, err := range all {
		texts[i] = err.Error()
	}
	return strings.Join(texts, ", ")
}

var (
	errGone    = errors.New("is gone")
	errChanged = errors.New("holds something else")
)

// holds returns the fingerprint of a file that has the content of a delivery.
func holds(ctx context.Context, name string, d *state.Delivery) (file.Fingerprint, error) {
	src, print, err := syncer.OpenCopy(name)
	if errors.Is(err, fs.ErrNotExist) {
		return print, errGone
	}
	if err != nil {
		return print, fmt.Errorf("cannot be read: %w", err)
	}
	defer src.Close() //nolint:errcheck // opened for reading
	if print.Size != d.Size {
		return print, errChanged
	}
	sum, err := syncer.SumOf(ctx, src)
	if err != nil {
		return print, fmt.Errorf("cannot be read: %w", err)
	}
	if !bytes.Equal(sum, d.Proof.SHA256) {
		return print, errChanged
	}
	return print, nil
}
