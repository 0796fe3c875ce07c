package remote

import "golang.org/x/crypto/ssh"

// channel is an SSH channel of the kind "session", RFC 4254 section 6.1: of SFTP, or of a command.
type channel struct {
	ssh.Channel
	over  chan struct{} // closed when the server has said all that it is going to say of it
	ended bool          // it has said how a command has ended; set before over is closed
	runs  string        // the command that was begun on it, and that waits for its input; "" is none
}

func newChannel(c ssh.Channel, requests <-chan *ssh.Request) *channel {
	ch := &channel{Channel: c, over: make(chan struct{})}
	go func() { // ends with the channel
		defer close(ch.over)
		for r := range requests {
			ch.ended = ch.ended || r.Type == "exit-status" || r.Type == "exit-signal"
			if r.WantReply {
				_ = r.Reply(false, nil) // as OpenSSH's client does; if it cannot be sent, the connection is gone
			}
		}
	}()
	return ch
}
