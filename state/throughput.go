package state

import (
	"context"
	"time"
)

// Throughput is what was delivered in one step of time.
type Throughput struct {
	Begin time.Time // of the step
	Files int64
	Bytes int64
}

// Throughput returns what was delivered from since on and before until, in steps of a length that begin at its multiples
// since 1970, the oldest first. Steps in which nothing was delivered are left out.
func (s *Store) Throughput(ctx context.Context, since, until time.Time, step time.Duration) ([]Throughput, error) {
	var found []Throughput
	err := s.read(ctx, "throughput", func(c *conn) error {
		found = nil
		n := 0
		return c.each(func(r row) error {
			if n++; n%checkEvery == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			begin := time.Unix(0, r.int(0)-r.int(0)%int64(step)).UTC()
			if len(found) == 0 || !found[len(found)-1].Begin.Equal(begin) {
				found = append(found, Throughput{Begin: begin})
			}
			at := &found[len(found)-1]
			at.Files++
			at.Bytes += r.int(1)
			return nil
		}, "SELECT delivered_at, size FROM deliveries WHERE delivered_at >= ? AND delivered_at < ? ORDER BY delivered_at", since, until)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
