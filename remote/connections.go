package remote

import (
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// connection is one SSH connection of a session.
type connection struct {
	conn   *liveConn
	client *ssh.Client
	way    *trail        // what it goes through
	waited chan struct{} // it has ended
	ended  error         // how; set before waited is closed
}

// berth is a place for lanes: the session's own connection, or a further one, which is made when a lane first wants it.
type berth struct {
	*connection     // nil before
	number      int // of the connection, from 0
	lanes       int // there, or about to be
	refused     bool
	dialling    sync.Mutex
}

// berths are all that a session may have. Its own connection has everything else on it too; further ones have lanes alone. They
// help where each connection gets so much of the line and no more: by the window of its TCP, by a limit of the network's for each
// connection, by a jump host, by a server with one channel to a connection.
type berths struct {
	mu    sync.Mutex
	all   []*berth
	first sync.Mutex // held while the first further connection is made: the others come after it, or not at all
}

// furtherAgain is how long no further connection is tried after the server has refused one: a refused login is a step towards a
// locked account.
const furtherAgain = time.Hour

var (
	errNoBerth   = errors.New("no connection takes a further channel")
	errOtherKey  = errors.New("a further connection has come to a server with another host key")
	errOneIsLost = errors.New("one of its connections was lost")
)

// mostConnections is how many the target and the server allow. Where codes are to be answered there is one: most count once.
func (s *Session) mostConnections() int {
	codes := len(s.target.Answers) > 0 || slices.ContainsFunc(s.target.Jump, func(j Target) bool { return len(j.Answers) > 0 })
	if codes || time.Since(s.caps.Load().ConnectionsRefused) < furtherAgain {
		return 1
	}
	return max(1, s.target.Connections)
}

// take returns the place that has the fewest lanes, the session's own connection first, and how many it has; nil where none
// takes more.
func (b *berths) take(own *connection, most, channels int) (*berth, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = []*berth{{connection: own, lanes: 1}}
	}
	for len(b.all) < most {
		b.all = append(b.all, &berth{number: len(b.all)})
	}
	var least *berth
	for _, p := range b.all {
		if !p.refused && p.lanes < channels && (least == nil || p.lanes < least.lanes) {
			least = p
		}
	}
	if least == nil {
		return nil, 0
	}
	least.lanes++
	return least, least.lanes - 1
}

// refuse has no further lane put in a place.
func (b *berths) refuse(p *berth) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.lanes--
	p.refused = true
}

// close has no further connection made.
func (b *berths) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.all {
		p.refused = p.refused || p.connection == nil
	}
}

// further returns the connections beside the session's own.
func (b *berths) further() []*connection {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*connection
	for _, p := range b.all {
		if p.number > 0 && p.connection != nil {
			all = append(all, p.connection)
		}
	}
	return all
}

// connected makes the connection of a place, where it has none.
func (s *Session) connected(p *berth) error {
	if p.number == 0 {
		return nil
	}
	s.berths.first.Lock()
	if len(s.berths.further()) == 0 {
		defer s.berths.first.Unlock()
	} else {
		s.berths.first.Unlock()
	}
	p.dialling.Lock()
	defer p.dialling.Unlock()
	s.berths.mu.Lock()
	there, refused := p.connection != nil, p.refused
	s.berths.mu.Unlock()
	switch {
	case there:
		return nil
	case refused: // by another's attempt
		return errNoBerth
	}
	c, err := s.dialFurther()
	if err != nil {
		s.berths.close()
		if s.Err() == nil {
			s.note(func(c *Capabilities) { c.ConnectionsRefused = time.Now().UTC() })
		}
		return err
	}
	if !s.spawn(func() { s.stand(c) }) {
		c.end()
		return errGone
	}
	s.berths.mu.Lock()
	p.connection = c
	s.berths.mu.Unlock()
	return nil
}

// end ends a connection that nobody watches over.
func (c *connection) end() {
	c.conn.abort()
	_ = c.client.Wait() // it was ended
	c.way.close()
}

// dialFurther logs in once more, by a way of its own, to the same server.
func (s *Session) dialFurther() (*connection, error) {
	t := s.target
	ctx, cancel := t.connecting(s.life)
	defer cancel()
	in, err := t.logIn(ctx)
	if err != nil {
		return nil, err
	}
	c := &connection{conn: in.conn, client: in.client, way: in.way, waited: make(chan struct{})}
	if in.key.Fingerprint != s.hostKey {
		c.end()
		return nil, errOtherKey
	}
	return c, nil
}

// stand watches over a further connection for as long as there is the session, which ends with it: what was on its way there is
// sent again over the next one, from the checkpoint.
func (s *Session) stand(c *connection) {
	var watching sync.WaitGroup
	watching.Go(func() { s.pulse(c, nil) })
	watching.Go(func() {
		c.ended = c.client.Wait()
		close(c.waited)
		if !errors.Is(c.ended, net.ErrClosed) {
			s.lose(errOneIsLost)
		}
	})
	<-s.dead
	c.conn.abort()
	watching.Wait()
	c.way.close()
}

// rank orders lanes: the first of each connection before the second of any, so that a few lanes use many connections.
func (l *lane) rank(connections int) int { return l.place*connections + l.number }

// insert puts a lane where its rank wants it.
func (all *lanes) insert(l *lane, connections int) {
	at, _ := slices.BinarySearchFunc(all.beside, l, func(a, b *lane) int { return a.rank(connections) - b.rank(connections) })
	all.beside = slices.Insert(all.beside, at, l)
}
