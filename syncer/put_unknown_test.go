package syncer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// loseRename lets renames to a final name take place and loses the line before the reply, the first time.
func (s *fakeServer) loseRename(and func()) {
	lost := false
	s.setRefuse(func(op, name string, cut func()) error {
		if op != "rename" || lost {
			return nil
		}
		lost = true
		for _, temp := range s.names(".part") {
			s.mu.Lock()
			s.files[name] = s.files[temp]
			delete(s.files, temp)
			s.mu.Unlock()
		}
		cut()
		if and != nil {
			and()
		}
		return problem(op, name, remote.Transient, errCut)
	})
}

// storeThatFails cannot record a receipt.
type storeThatFails struct {
	*state.Store
	err error
}

func (s *storeThatFails) Deliver(context.Context, string, state.Deliver) (bool, error) {
	return false, s.err
}

// TestPutThatMayBePublished is given up between the rename and the receipt: the next put to the name finds out what
// became of it, and it is in the ledger once.
func TestPutThatMayBePublished(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		for _, c := range []struct {
			name    string
			prepare func(r *rig, server *fakeServer, p *Put, cancel func())
			restore func(r *rig, server *fakeServer, p *Put)
			told    bool // that it may be published; who interrupts is not told more
		}{
			{
				"unreachable until it is given up",
				func(_ *rig, server *fakeServer, p *Put, _ func()) {
					p.Patience = 20 * time.Millisecond
					server.loseRename(func() {
						server.setDialed(func() error { return problem("connect", "", remote.Transient, errors.New("refused")) })
					})
				},
				func(_ *rig, server *fakeServer, _ *Put) { server.setDialed(nil) },
				true,
			},
			{
				"interrupted as the line is lost",
				func(_ *rig, server *fakeServer, _ *Put, cancel func()) { server.loseRename(cancel) },
				func(*rig, *fakeServer, *Put) {},
				false,
			},
			{
				"no receipt can be written",
				func(r *rig, _ *fakeServer, p *Put, _ func()) {
					p.Store = &storeThatFails{r.store, errors.New("disk full")}
				},
				func(r *rig, _ *fakeServer, p *Put) { p.Store = r.store },
				true,
			},
		} {
			name := "file"
			if stream {
				name = "stream"
			}
			t.Run(name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				r, server, p := newPut(t, time.Hour)
				put := func(ctx context.Context) (PutResult, error) {
					again := *p
					if stream {
						again.Source, again.Path, again.Stream = "", "-", strings.NewReader("content")
					}
					return again.Run(ctx)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c.prepare(r, server, p, cancel)
				result, err := put(ctx)
				if err == nil || result.Sent {
					t.Fatalf("%+v, %v", result, err)
				}
				if told := errors.Is(err, ErrMayBePublished); told != c.told {
					t.Errorf("it is told that it may be published: %v: %v", told, err)
				}
				if left, err := r.store.Intents(t.Context(), "", "", 0, state.Committing); err != nil || len(left) != 1 {
					t.Fatalf("%d intents are left, %v", len(left), err)
				}
				c.restore(r, server, p)
				result, err = put(t.Context())
				occupied := errors.As(err, new(*OccupiedError)) // a stream is another wish each time
				if stream && !occupied || !stream && (err != nil || !result.Sent) {
					t.Errorf("the second: %+v, %v", result, err)
				}
				r.wantReceipts(1)
				if left, err := r.store.Intents(t.Context(), "", "", 0); err != nil || len(left) != 0 {
					t.Errorf("%d intents are left, %v", len(left), err)
				}
				if temps := server.names(".part"); len(temps) > 0 {
					t.Errorf("left at the server: %q", temps)
				}
			})
		}
	}
}

// storeWithoutRoom is on a disk that is full.
type storeWithoutRoom struct{ *state.Store }

func (*storeWithoutRoom) Room(int64) error { return &state.RoomError{} }

// TestPutWithoutRoomForItsStore sends nothing that it could not record.
func TestPutWithoutRoomForItsStore(t *testing.T) {
	t.Parallel()
	r, server, p := newPut(t, time.Hour)
	p.Store = &storeWithoutRoom{r.store}
	if _, err := p.Run(t.Context()); !isNoRoom(err) {
		t.Errorf("%v", err)
	}
	if n := len(server.sessions); n != 0 {
		t.Errorf("%d sessions", n)
	}
	p.Store = r.store
	if _, err := p.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPutThatIsSurelyNotPublished is dropped: the temp is where it was.
func TestPutThatIsSurelyNotPublished(t *testing.T) {
	t.Parallel()
	r, server, p := newPut(t, time.Hour)
	server.setRefuse(func(op, name string, _ func()) error {
		if op == "rename" {
			return problem(op, name, remote.Refused, errors.New("failure"))
		}
		return nil
	})
	_, err := p.Run(t.Context())
	if remote.KindOf(err) != remote.Refused || errors.Is(err, ErrMayBePublished) {
		t.Errorf("%v", err)
	}
	if left, err := r.store.Intents(t.Context(), "", "", 0); err != nil || len(left) != 0 {
		t.Errorf("%d intents are left, %v", len(left), err)
	}
	if all := server.names("a"); len(all) > 0 {
		t.Errorf("left at the server: %q", all)
	}
	r.wantReceipts(0)
}
