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

	unneeded chan struct{} // closed when it is to end before the session does; nil for the session's own
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
	mu      sync.Mutex
	all     []*berth
	givenUp []*connection // which are still there
	ended   []*connection // and are not any more, but have carried something
	first   sync.Mutex    // held while the first further connection is made: the others come after it, or not at all
}

// furtherAgain is how long no further connection is tried after the server has refused one: a refused login is a step towards a
// locked account.
const furtherAgain = time.Hour

var (
	errNoBerth   = errors.New("no connection takes a further channel")
	errOtherKey  = errors.New("a further connection has come to a server with another host key")
	errOneIsLost = errors.New("one of its connections was lost")
)

// mostConnections is how many the target and the server allow, and help as far as that is known. Where codes are to be answered
// there is one: most count once.
func (s *Session) mostConnections() int {
	if s.target.Connections < 2 || s.target.asksCodes() {
		return 1
	}
	now, c := time.Now(), s.caps.Load()
	if now.Sub(c.ConnectionsRefused) < furtherAgain || !s.worth.allows(c.ConnectionsUseless, now) {
		return 1
	}
	return s.target.Connections
}

// asksCodes tells whether a login takes answers that may count once.
func (t *Target) asksCodes() bool {
	return len(t.Answers) > 0 || slices.ContainsFunc(t.Jump, func(j Target) bool { return len(j.Answers) > 0 })
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
		if p.number < most && !p.refused && p.lanes < channels && (least == nil || p.lanes < least.lanes) {
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

// giveUp has no further connection used, nor one made that is under way.
func (b *berths) giveUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range b.all {
		if i == 0 {
			continue
		}
		p.refused = true
		if p.connection != nil {
			b.givenUp = append(b.givenUp, p.connection)
		}
	}
	b.all = b.all[:min(len(b.all), 1)]
}

// has tells whether there is a place for a connection: it has not been given up.
func (b *berths) has(number int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return number < len(b.all)
}

// closeGivenUp ends the connections that were given up. Nothing uses them any more.
func (b *berths) closeGivenUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.givenUp {
		close(c.unneeded)
	}
	b.ended, b.givenUp = append(b.ended, b.givenUp...), nil
}

// isUnneeded tells whether a connection ends, or has ended, because nobody needs it.
func (c *connection) isUnneeded() bool { return isOver(c.unneeded) }

// further returns the connections that there are beside the session's own, and those that there were.
func (b *berths) further() (there, gone []*connection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.all {
		if p.number > 0 && p.connection != nil {
			there = append(there, p.connection)
		}
	}
	return append(there, b.givenUp...), slices.Clone(b.ended)
}

// connected makes the connection of a place, where it has none.
func (s *Session) connected(p *berth) error {
	if p.number == 0 {
		return nil
	}
	s.berths.first.Lock()
	if there, _ := s.berths.further(); len(there) == 0 {
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
	defer s.berths.mu.Unlock()
	if p.refused { // they were given up meanwhile
		close(c.unneeded)
		s.berths.ended = append(s.berths.ended, c)
		return errNoBerth
	}
	p.connection = c
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
	c := &connection{conn: in.conn, client: in.client, way: in.way, waited: make(chan struct{}), unneeded: make(chan struct{})}
	if in.key.Fingerprint != s.hostKey {
		c.end()
		return nil, errOtherKey
	}
	return c, nil
}

// stand watches over a further connection for as long as it is needed. The session ends with it: what was on its way there is
// sent again over the next one, from the checkpoint.
func (s *Session) stand(c *connection) {
	var watching sync.WaitGroup
	watching.Go(func() { s.pulse(c, nil) })
	watching.Go(func() {
		c.ended = c.client.Wait()
		close(c.waited)
		if !errors.Is(c.ended, net.ErrClosed) && !c.isUnneeded() {
			s.lose(errOneIsLost)
		}
	})
	select {
	case <-s.dead:
	case <-c.unneeded:
	}
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
