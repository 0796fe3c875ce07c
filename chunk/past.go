package chunk

import (
	"cmp"
	"slices"
)

// past is an old index in which chunks can be looked up.
type past struct {
	*Index
	byKey []int32 // places in pieces, by key and then by offset
}

func newPast(x *Index) past {
	p := past{x, make([]int32, len(x.pieces))}
	for i := range p.byKey {
		p.byKey[i] = int32(i)
	}
	slices.SortFunc(p.byKey, func(a, b int32) int {
		return cmp.Or(cmp.Compare(x.pieces[a].key, x.pieces[b].key), cmp.Compare(a, b))
	})
	return p
}

// find returns where the content of a chunk of the new content begins in the old one. If there are several places, it is one to which others have
// moved by the same distance, so that spans stay long, and else the first.
func (p past) find(c piece, shifts []int64) (from int64, found bool) {
	i, found := slices.BinarySearchFunc(p.byKey, c.key, func(i int32, key uint64) int { return cmp.Compare(p.pieces[i].key, key) })
	if !found || p.pieces[p.byKey[i]].length != c.length {
		return 0, false
	}
	for _, shift := range shifts {
		j, found := slices.BinarySearchFunc(p.pieces, c.at+shift, func(o piece, at int64) int { return cmp.Compare(o.at, at) })
		if found && p.pieces[j].key == c.key && p.pieces[j].length == c.length {
			return p.pieces[j].at, true
		}
	}
	return p.pieces[p.byKey[i]].at, true
}
