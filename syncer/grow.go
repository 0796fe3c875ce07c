package syncer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding"
	"fmt"
	"hash"
	"io"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// A file that has grown, as logs and exports do that are written to at their end, is not sent again from its beginning: the
// server copies what it has to the temp, and the upload goes on behind that, as behind a checkpoint.

// leastGrown is the size in bytes that a file must have had for that: copying and proving it takes a few round trips and a command at
// the server.
const leastGrown = 8 << 20

func (f *Folder) leastGrown() int64 { return cmp.Or(f.grownFrom, leastGrown) }

// grow has the server begin the temp with the version that it has, where the source begins with it: begun says so. That it has done so is
// only believed on the strength of a hash; where anything is wrong, the file is sent from its beginning. What may be patched instead is
// given, or nil.
func (d *delivery) grow(ctx context.Context, src *watcher.Source, b *basis) (begun bool, err error) {
	k, err := d.mayHaveGrown(ctx, src, b)
	if err != nil || k == nil {
		return false, err
	}
	size := k.Fingerprint.Size
	index := d.newIndexing(src.Size())
	if index != nil {
		index.vain = nil // the beginning is not sent, so that it says nothing of the line
	}
	read, same, err := beginsWith(ctx, src, k, index)
	if err != nil {
		return false, err
	}
	d.growths.note(same)
	if !same {
		return false, nil
	}
	reached, err := read.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return false, err
	}
	if err := d.patching(ctx); err != nil {
		return false, err
	}
	err = d.session.Copy(ctx, k.RemotePath, d.intent.Temp, size)
	var got []byte
	if err == nil {
		got, _, err = d.session.Hash(ctx, d.intent.Temp, size)
	}
	if err == nil && !bytes.Equal(got, k.SHA256) {
		err = &remote.Error{
			Op: "copy", Destination: d.intent.Destination, Path: d.intent.Temp, Kind: remote.Integrity,
			Err: fmt.Errorf("the server has other content: SHA-256 %x of %x", got, k.SHA256),
		}
	}
	if err != nil {
		return false, d.noPatch(ctx, src, err)
	}
	d.indexing, d.spared = index, size
	return true, d.checkpoint(ctx, remote.Mark{Offset: size, Hash: reached})
}

// beginsWith tells whether a source begins with a version that is known, and returns the hash of what was read for that, which another one is
// shown, too.
func beginsWith(ctx context.Context, src *watcher.Source, k *state.Known, also io.Writer) (read hash.Hash, is bool, err error) {
	read = sha256.New()
	hashing := writeBehind(read)
	err = readInto(ctx, io.MultiWriter(hashing, also), io.NewSectionReader(src, 0, k.Fingerprint.Size))
	hashing.end()
	return read, err == nil && bytes.Equal(read.Sum(nil), k.SHA256), err
}

// mayCompareGrown tells whether it is worth reading the beginning of a file for that. It is hashed at the server for itself.
func (d *delivery) mayCompareGrown(size int64) bool {
	f := d.forecast(size)
	f.planned, f.parts, f.hashed = true, 1, false
	return d.folder.Delta == DeltaAlways || f.worth() && d.growths.worth(f.spares(), f.reads())
}

// mostPatchedGrowth is the size in bytes from which what is new goes over several channels with an upload, and has checkpoints: that is
// worth a second proof.
const mostPatchedGrowth = 16 << 20

// patchesGrowth tells whether a file that may have grown is left to what puts together those that have changed in any way: that one
// takes fewer round trips, and reads the file once. It has no checkpoints, so that what would have one on its way is not left to it, nor is what was cut
// off before. Of the end of a very large file an index knows nothing.
func (d *delivery) patchesGrowth(size int64, b *basis) bool {
	if b == nil || d.cut || !b.index.Whole() {
		return false
	}
	most, f := int64(mostPatchedGrowth), d.folder
	if f.CheckpointBytes > 0 {
		most = min(most, f.CheckpointBytes)
	}
	if f.CheckpointEvery > 0 {
		most = min(most, int64(d.forecast(size).send*f.CheckpointEvery.Seconds()))
	}
	return size-b.size < most
}

// mayHaveGrown returns the version at the final name, if the source may be that and more, and the server can be asked to use it.
func (d *delivery) mayHaveGrown(ctx context.Context, src *watcher.Source, b *basis) (*state.Known, error) {
	can := d.session.Capabilities()
	if d.folder.Delta == DeltaOff || d.whole || !can.Hashes() || !can.Copies() || can.NoResume || d.intent.Temp == "" || d.intent.Source != "" || src.Size() <= d.folder.leastGrown() ||
		d.patchesGrowth(src.Size(), b) {
		return nil, nil
	}
	record, err := d.store.Lookup(ctx, d.intent.Folder, d.intent.Path)
	k := knownOf(record, d.intent.Destination)
	if err != nil || k == nil || !movable(k) || k.RemotePath != d.intent.Final {
		return nil, err
	}
	size := k.Fingerprint.Size
	if size < d.folder.leastGrown() || size >= src.Size() {
		return nil, nil
	}
	if may, err := d.mayReuse(ctx); err != nil || !may || !d.mayCompareGrown(size) {
		return nil, err
	}
	return k, nil
}
