package sftptest

import (
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// loginGrace is the time that a client has from the first byte to being authenticated.
const loginGrace = 30 * time.Second

// client is one connection.
type client struct {
	server *Server
	conn   net.Conn
	open   atomic.Int64 // files
}

// serve speaks SSH with one client until the connection ends.
func (s *Server) serve(ctx context.Context, c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(loginGrace)) // fails only on a closed connection
	conn, channels, requests, err := ssh.NewServerConn(c, s.config)
	if err != nil {
		return // a client that did not come in; Stats has counted it
	}
	_ = c.SetDeadline(time.Time{})
	s.count(func(st *ServerStats) { st.Logins++ })

	ctx, end := context.WithCancel(ctx)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer end()
	defer func() { _ = conn.Close() }()                   // it has ended, or is to
	sessions.Go(func() { ssh.DiscardRequests(requests) }) // answers keepalives
	cl := &client{server: s, conn: c}
	var channelsOpen atomic.Int64
	for ch := range channels {
		switch {
		case ch.ChannelType() != "session":
			_ = ch.Reject(ssh.UnknownChannelType, "only sessions")
		case s.options.MaxSessions > 0 && channelsOpen.Load() >= int64(s.options.MaxSessions):
			_ = ch.Reject(ssh.ConnectionFailed, "open failed") // as OpenSSH does
		default:
			channelsOpen.Add(1)
			sessions.Go(func() {
				defer channelsOpen.Add(-1)
				cl.session(ctx, ch)
			})
		}
	}
}

// cut ends the connection without a farewell.
func (c *client) cut() { reset(c.conn) }

// reset closes a connection so that the other side gets a RST and bytes that wait are dropped.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only on a closed connection
	}
	_ = c.Close()
}

// NotRun is the exit status of a command that has never run: its channel is closed without a word, as dropbear sometimes does.
const NotRun = ^uint32(0)

// session serves one channel: the sftp subsystem or one command.
func (c *client) session(ctx context.Context, offered ssh.NewChannel) {
	ch, requests, err := offered.Accept()
	if err != nil {
		return
	}
	var work sync.WaitGroup
	defer work.Wait()
	started := false
	for r := range requests {
		run := c.wanted(r)
		if run == nil || started {
			_ = r.Reply(false, nil) // to a lost connection there is none
			continue
		}
		started = true
		_ = r.Reply(true, nil)
		work.Go(func() {
			if exit := run(ctx, ch); exit != NotRun {
				_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{exit}))
			}
			_ = ch.Close()
		})
	}
}

// wanted returns what a channel request starts, or nil if it is refused. What is returned runs until its end or that of
// the connection, and gives the exit status.
func (c *client) wanted(r *ssh.Request) func(context.Context, ssh.Channel) uint32 {
	var payload struct{ Text string }
	if r.Type != "subsystem" && r.Type != "exec" || ssh.Unmarshal(r.Payload, &payload) != nil {
		return nil
	}
	switch {
	case r.Type == "subsystem" && payload.Text == "sftp":
		return c.sftp
	case r.Type == "exec" && c.server.options.Exec:
		return func(ctx context.Context, ch ssh.Channel) uint32 { return c.exec(ctx, ch, payload.Text) }
	}
	return nil
}

// sftp serves the protocol.
func (c *client) sftp(ctx context.Context, ch ssh.Channel) uint32 {
	o := c.server.options
	if o.ShellText != "" {
		if _, err := io.WriteString(ch, o.ShellText); err != nil {
			return 1
		}
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	v := &view{root: c.server.root, dir: o.Dir, faults: c.server.Faults, ctx: ctx, cut: c.cut, open: &c.open, key: o.SameName}
	x := &exchange{
		ReadWriteCloser: ch, view: v, end: end, extensions: extensionsOf(o),
		opening: map[uint32]string{}, handles: map[string]string{}, lstats: map[uint32]bool{}, writes: map[uint32]string{},
	}
	handlers := sftp.Handlers{FileGet: v, FilePut: v, FileCmd: v, FileList: v}
	err := sftp.NewRequestServer(x, handlers, sftp.WithRSMaxTxPacket(o.MaxRead)).Serve()
	if err != nil && !errors.Is(err, io.EOF) {
		return 1
	}
	return 0
}

// exec runs a command as a login shell would, with the server's directory as its own: a path of SFTP is the same file
// for the command when it is relative.
func (c *client) exec(ctx context.Context, ch ssh.Channel, command string) (exit uint32) {
	err := func() error {
		m := c.server.Faults.meet(OpExec, command, "")
		if err := m.apply(ctx, c.cut, false); err != nil {
			return err
		}
		if run := c.server.options.Shell; run != nil {
			exit = run(ctx, command, ch, ch)
		} else {
			exit = c.shell(ctx, command, ch)
		}
		return m.apply(ctx, c.cut, true)
	}()
	if err != nil {
		return 127
	}
	return exit
}

// shell is /bin/sh.
func (c *client) shell(ctx context.Context, command string, ch ssh.Channel) (exit uint32) {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.server.options.Dir, ch, ch, ch.Stderr()
	cmd.WaitDelay = time.Second // a child that the shell leaves behind may hold the output open, a client the input
	var failed *exec.ExitError
	switch err := cmd.Run(); {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0
	case errors.As(err, &failed) && failed.ExitCode() > 0:
		return uint32(failed.ExitCode())
	}
	return 127
}
