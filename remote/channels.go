package remote

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// serverPage is what hints and findings name that are for the owner of a server.
const serverPage = "docs/server.md"

// Connections tells whether the server takes further connections, where the target has them: it logs in once more, and leaves
// again. ok is false where there is nothing to tell.
func (s *Session) Connections(ctx context.Context) (f Finding, ok bool) {
	if s.target.Connections < 2 {
		return Finding{}, false
	}
	f = Finding{Name: "connections", Text: "one is used, whatever connections says: "}
	switch {
	case s.target.asksCodes():
		f.Text += "a code counts for one login"
	case s.isBounded():
		f.Text += "one thing at a time is asked for here (requests, open files or order, above)"
	default:
		stop := context.AfterFunc(ctx, func() { s.kill(context.Cause(ctx)) })
		defer stop()
		c, err := s.dialFurther()
		if err != nil {
			f.Text = fmt.Sprintf("a second one was refused (%v): set connections = 1, or ask for more (%s)", plain(err), serverPage)
			break
		}
		c.end()
		f.OK, f.Text = true, fmt.Sprintf("a second one is let in: up to %d for large files, while they help", s.target.Connections)
	}
	return f, true
}

// Channels tells how many channels the server lets one connection have, up to as many as uploads and a command would use. It
// opens them at once and closes them again; nothing runs on them. Where the session does not survive that, it is told too.
func (s *Session) Channels(ctx context.Context) Finding {
	f := Finding{Name: "channels"}
	most := s.ownLanes()
	if s.caps.Load().Hash != "" {
		most++
	}
	if most == 1 {
		f.OK, f.Text = true, "one is used"
		return f
	}
	s.dropSpare()
	n := s.countChannels(ctx, most)
	if n < most && s.Err() == nil {
		select {
		case <-time.After(channelsRest):
			s.dropSpare()
			n = max(n, s.countChannels(ctx, most))
		case <-ctx.Done():
		}
	}
	switch {
	case ctx.Err() != nil:
		f.Text = "interrupted"
	case s.Err() != nil:
		f.Text = fmt.Sprintf("the server ended the connection when it was to have %d: set channels = 1", most)
	case n < most:
		f.Text = fmt.Sprintf("%d on a connection, where up to %d are of use over a long line: ask for more (MaxSessions, %s)", n, most, serverPage)
	default:
		f.OK, f.Text = true, fmt.Sprintf("%d on a connection, as many as are used", n)
	}
	return f
}

// channelsRest is after what time channels are counted once more: that of a command counts at the server until its process is gone.
const channelsRest = time.Second

// countChannels opens channels until there are most with that of SFTP, closes them again, and returns how many there were.
func (s *Session) countChannels(ctx context.Context, most int) int {
	var mu sync.Mutex
	var opening sync.WaitGroup
	opened, over := []*channel(nil), false
	for range most - 1 {
		opening.Go(func() {
			c, err := s.open()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
			case over:
				_ = c.Close() // nobody counts any more
			default:
				opened = append(opened, c)
			}
		})
	}
	all := make(chan struct{})
	go func() { opening.Wait(); close(all) }() // a question without an answer ends with the session
	select {
	case <-all:
	case <-s.dead:
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	over = true
	for _, c := range opened {
		_ = c.Close() // nothing was sent on it
	}
	return 1 + len(opened)
}

// Rests stays without a request for so long, but for the signs of life that keep a session between two uploads, and tells whether
// the session stands it.
func (s *Session) Rests(ctx context.Context, span time.Duration) Finding {
	begun := time.Now()
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return Finding{"idle", true, fmt.Sprintf("the session stood %v without an upload", span)}
	case <-ctx.Done():
		return Finding{"idle", false, "interrupted"}
	case <-s.dead:
		return Finding{"idle", false, fmt.Sprintf("the session was ended after %v without an upload (%v): what comes later begins with a new login; "+
			"ask the server's owner (ChannelTimeout, UnusedConnectionTimeout, a firewall: %s)", time.Since(begun).Round(time.Second), s.Err(), serverPage)}
	}
}
