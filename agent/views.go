package agent

import (
	"encoding/hex"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// ViewDelivery returns a receipt as commands and JSON show it.
func ViewDelivery(d state.Delivery) control.Delivery {
	sent := d.Size - d.Proof.Spared
	return control.Delivery{
		ID: d.ID, Folder: d.Folder, Destination: d.Destination, Path: string(d.Path), PathB64: raw(d.Path),
		RemotePath: d.RemotePath, Size: d.Size, Sent: &sent, SHA256: hex.EncodeToString(d.Proof.SHA256), Evidence: d.Proof.Evidence,
		Command: d.Proof.Command, Attempts: d.Attempts, SeenAt: utc(d.SeenAt), SettledAt: utc(d.SettledAt), ReadyAt: utc(d.ReadyAt), StartedAt: d.StartedAt.UTC(), DeliveredAt: d.DeliveredAt.UTC(),
		HostKey: d.Proof.HostKey,
	}
}

// raw returns the bytes of a path that JSON cannot hold, nil for any other.
func raw(p file.Path) []byte {
	if p.IsUTF8() {
		return nil
	}
	return []byte(p)
}

func viewOperation(o syncer.Operation) control.Operation {
	view := control.Operation{
		Op: string(o.Op), Folder: o.Folder, Destination: o.Destination, Path: string(o.Path), PathB64: raw(o.Path),
		RemotePath: o.RemotePath, From: o.From, Size: o.Size, Reason: string(o.Reason), Detail: o.Detail,
	}
	switch o.Op {
	case syncer.Upload:
		sent := o.Size - o.Spared
		view.Sent = &sent
	case syncer.Copy, syncer.Rename:
		view.Sent = new(int64)
	}
	return view
}

func viewWaiting(o syncer.Operation) control.Waiting {
	return control.Waiting{
		Folder: o.Folder, Destination: o.Destination, Path: string(o.Path), PathB64: raw(o.Path), Size: o.Size, Reason: string(o.Reason), Detail: o.Detail,
		Until: moment(o.Until),
	}
}

// rfc3339 writes a moment for people.
func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// utc returns a moment in UTC; the zero time stays so, which JSON leaves out then.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// moment returns nil for the zero time, which JSON would show as the year 1.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
