package syncer

import (
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/file"
)

// TestArrangedPreview has operations, as "op path", and tells them in the order in which they would be done.
func TestArrangedPreview(t *testing.T) {
	for _, c := range []struct {
		name  string
		order Order
		given string
		want  string
	}{
		{
			"last", orderOf(t, ByName, false, "*.done", "MANIFEST"),
			"upload MANIFEST, upload a/1, upload a/x.done, mkdir b, upload z",
			"upload a/1, upload z, upload a/x.done, upload MANIFEST, mkdir b",
		},
		{
			"last waits", orderOf(t, ByName, false, "*.done", "MANIFEST"),
			"upload MANIFEST, hold a/1, upload a/x.done, upload b/2, upload b/x.done, wait c/3, upload c/x.done",
			"hold a/1, upload b/2, wait last a/x.done: a/1, which is held: why, upload b/x.done, wait last c/x.done: c/3, which is settling: why, " +
				"wait last MANIFEST: c/3, which is settling: why, wait c/3",
		},
		{
			"strict order", orderOf(t, BySize, true),
			"upload a 3, adopt b 1, hold c 2, rename d 4",
			"adopt b 1, hold c 2, wait sequential a 3: c, which is held: why, wait sequential d 4: c, which is held: why",
		},
		{
			"strict order and a file that settles", orderOf(t, ByName, true, "*.done"),
			"upload a, wait b, upload c, upload d/x.done, upload a/x.done",
			"upload a, wait sequential c: b, which is settling: why, upload a/x.done, wait sequential d/x.done: b, which is settling: why, wait b",
		},
		{
			"strict order and a trigger that is held", orderOf(t, ByName, true, "*.done"),
			"upload a, hold b/x.done, upload c",
			"upload a, wait sequential c: b/x.done, which is held: why, hold b/x.done",
		},
		{
			"by size", orderOf(t, BySize, false),
			"upload a 3, upload b 1, hold c 2",
			"upload b 1, hold c 2, upload a 3",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var given []Operation
			for text := range strings.SplitSeq(c.given, ", ") {
				words := strings.Fields(text)
				op := Operation{Op: Op(words[0]), Path: file.Path(words[1]), Destination: "acme"}
				switch op.Op {
				case Hold:
					op.Reason, op.Detail = ReasonHeld, "why"
				case Wait:
					op.Reason, op.Detail, op.Destination = ReasonSettling, "why", ""
				}
				if len(words) > 2 {
					op.print.Size = int64(words[2][0] - '0')
				}
				given = append(given, op)
			}
			var got []string
			for _, op := range c.order.arrange(slices.Clone(given)) {
				text := string(op.Op) + " " + string(op.Path)
				if op.Op == Wait && op.Reason != ReasonSettling {
					_, waits, _ := strings.Cut(op.Detail, "waits for ")
					text = "wait " + string(op.Reason) + " " + string(op.Path)
					if op.print.Size > 0 {
						text += " " + string(rune('0'+op.print.Size))
					}
					got = append(got, text+": "+waits)
					continue
				}
				if op.print.Size > 0 {
					text += " " + string(rune('0'+op.print.Size))
				}
				got = append(got, text)
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), c.want)
			}
		})
	}
}
