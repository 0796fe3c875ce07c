package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// storyReader is what a story is made of.
type storyReader interface {
	Failures(ctx context.Context, id string) ([]state.FailedAttempt, error)
	ArchivedAt(ctx context.Context, id string) (string, error)
}

// othersShown is how many further deliveries of one file are shown beside one of them.
const othersShown = 20

// Delivery returns one delivery with its story. control.ErrNoDelivery is the error where there is none.
func (a *Agent) Delivery(ctx context.Context, id string) (control.DeliveryStory, error) {
	d, found, err := a.store.Receipt(ctx, id)
	if err != nil {
		return control.DeliveryStory{}, err
	}
	if !found {
		return control.DeliveryStory{}, fmt.Errorf("%w: %q", control.ErrNoDelivery, id)
	}
	told := control.DeliveryStory{Delivery: ViewDelivery(d)}
	if told.Story, err = receiptStory(ctx, a.store, &d); err != nil {
		return told, err
	}
	all, err := a.store.History(ctx, state.Filter{Folder: d.Folder, Path: d.Path, Limit: othersShown + 1})
	for _, other := range all {
		if other.ID != id {
			told.Others = append(told.Others, ViewDelivery(other))
		}
	}
	return told, err
}

// tellStories adds to each route what happened to the version that it is about, from its intent or its receipt.
func tellStories(ctx context.Context, store storyReader, routes []control.RouteOf, intents []state.Intent, receipts []state.Delivery) (err error) {
	for i := range routes {
		r := &routes[i]
		for j := range receipts {
			if r.Story == nil && receipts[j].ID == r.ID {
				r.Story, err = receiptStory(ctx, store, &receipts[j])
			}
		}
		for j := range intents {
			if r.Story == nil && intents[j].ID == r.ID && err == nil {
				var failed []state.FailedAttempt
				failed, err = store.Failures(ctx, r.ID)
				r.Story = intentStory(&intents[j], failed)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// receiptStory tells what happened to what was delivered.
func receiptStory(ctx context.Context, store storyReader, d *state.Delivery) ([]control.Moment, error) {
	failed, err := store.Failures(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	archived, err := store.ArchivedAt(ctx, d.ID)
	return deliveredStory(d, failed, archived), err
}

// deliveredStory puts a receipt's story together.
func deliveredStory(d *state.Delivery, failed []state.FailedAttempt, archived string) []control.Moment {
	told := story{}
	told.add(d.SeenAt, "seen", "")
	told.add(d.SettledAt, "settled", "")
	told.plan(d.ReadyAt)
	told.add(d.StartedAt, "began", "")
	told.fail(failed, d.DeliveredAt)
	told.add(d.DeliveredAt, "published", fmt.Sprintf("%s, by attempt %d; evidence: %s", d.RemotePath, d.Attempts, d.Proof.Evidence))
	if archived != "" {
		told.tell(control.Moment{What: "archived", Detail: archived})
	}
	told.failLate(failed, d.DeliveredAt)
	return told.moments
}

// intentStory puts the story together of what is not delivered.
func intentStory(in *state.Intent, failed []state.FailedAttempt) []control.Moment {
	told := story{}
	var changed time.Time
	if in.Fingerprint.ModTime != 0 {
		changed = time.Unix(0, in.Fingerprint.ModTime)
	}
	if seen := in.SeenAt; seen.IsZero() || !seen.Before(changed) {
		told.add(changed, "changed", "")
		told.add(seen, "seen", "")
	} else { // it has grown under the agent's eyes
		told.add(seen, "seen", "")
		told.add(changed, "changed", "")
	}
	told.add(in.SettledAt, "settled", "")
	told.plan(in.ReadyAt)
	told.add(in.StartedAt, "began", "")
	told.fail(failed, time.Time{})
	if in.Phase == state.Cancelled {
		told.tell(control.Moment{What: "cancelled"})
	}
	return told.moments
}

// story is put together in the order of time.
type story struct{ moments []control.Moment }

func (s *story) tell(m control.Moment) {
	if !file.Path(m.Detail).IsUTF8() {
		m.DetailB64 = []byte(m.Detail)
	}
	s.moments = append(s.moments, m)
}

// add tells of what is known to have been at a moment.
func (s *story) add(at time.Time, what, detail string) {
	if !at.IsZero() {
		s.tell(control.Moment{At: at.UTC(), What: what, Detail: detail})
	}
}

// plan tells when a file was planned: in the look that found it ready.
func (s *story) plan(at time.Time) {
	s.add(at, "ready", "")
	s.add(at, "planned", "")
}

// fail tells of failures until a moment, the zero time for all, and of how many between them is not known more.
func (s *story) fail(failed []state.FailedAttempt, until time.Time) {
	before := 0
	for _, f := range failed {
		if !until.IsZero() && f.At.After(until) {
			return
		}
		if gap := f.N - before - 1; gap > 0 {
			s.tell(control.Moment{What: "omitted", Detail: fmt.Sprintf("%d more failures", gap)})
		}
		before = f.N
		what := "failed"
		if f.Aside != "" {
			what = string(f.Aside)
		}
		s.add(f.At, what, f.Err)
	}
}

// failLate tells of failures after a delivery: of taking its source away.
func (s *story) failLate(failed []state.FailedAttempt, since time.Time) {
	for _, f := range failed {
		if f.At.After(since) {
			s.add(f.At, "failed", f.Err)
		}
	}
}
