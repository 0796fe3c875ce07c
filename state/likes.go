package state

import "context"

// LeastLike is the size in bytes from which files are found by it in the ledger.
const LeastLike = 128 << 10

// SizedLike returns the newest receipts of a destination for files of a size, of all folders; at most limit of them, and none
// below LeastLike. What they tell of may be gone by now, or something else.
func (s *Store) SizedLike(ctx context.Context, destination string, size int64, limit int) ([]Delivery, error) {
	var found []Delivery
	if size < LeastLike {
		return nil, nil
	}
	err := s.read(ctx, "receipts of a size", func(c *conn) error {
		found = nil
		past, err := s.renamed.in(c)
		if err != nil {
			return err
		}
		named, args := called("destination", past.spans(DestinationName, destination))
		return c.each(func(r row) error {
			found = append(found, past.now(r.delivery()))
			return nil
		}, sizedLike(named), append(append([]any{size}, args...), limit)...)
	})
	return found, err
}

func sizedLike(named string) string {
	return selectDelivery + "WHERE size >= 131072 AND size = ? AND " + named + " ORDER BY seq DESC LIMIT ?"
}
