package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"
)

const (
	headerWithin = 5 * time.Second  // for a request to arrive
	answerWithin = 30 * time.Second // for an answer to be taken, once it is there
	idleWithin   = time.Minute      // between two requests of one connection
	stopWithin   = time.Second      // for the answers that are under way when the agent stops
)

// Server listens for commands on behalf of an agent.
type Server struct {
	endpoint endpoint
	close    func() error
}

// Listen listens for the commands to the agent of stateDir, which must exist. On Unix that is a socket in it that only the
// owner can connect to, on Windows a port of the loopback interface. What a dead agent has left is replaced; an agent that
// answers is an ErrRunning. Commands wait until Serve is called.
func Listen(stateDir string) (*Server, error) {
	dir, err := filepath.Abs(stateDir)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	e, err := listenIn(dir)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	return newServer(e), nil
}

func newServer(e endpoint) *Server {
	return &Server{e, sync.OnceValue(func() error {
		// The files go first: as long as this process listens, nobody replaces them.
		return errors.Join(e.remove(), e.listener.Close())
	})}
}

// Close stops listening and removes what led to the server. It makes Serve end; after Serve it does nothing.
func (s *Server) Close() error { return s.close() }

// Serve answers commands from a until ctx ends, and closes the server. It is called once. The contexts of requests under
// way end with ctx, and Serve returns when all of them have ended: a must heed its contexts.
func (s *Server) Serve(ctx context.Context, a API) error {
	return s.serve(ctx, "commands", s.protect(serveAPI(a)))
}

func (s *Server) serve(ctx context.Context, what string, handler http.Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var connections sync.WaitGroup
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerWithin, // no timeout for what follows: it would end plans that take longer
		IdleTimeout:       idleWithin,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew: // comes before the accepting loop can end
				connections.Add(1)
			case http.StateClosed: // comes last, whatever happened to the connection
				connections.Done()
			}
		},
	}
	unhook := context.AfterFunc(ctx, func() { _ = s.Close() }) // the last line returns its error
	err := server.Serve(uncloseable{s.endpoint.listener})
	unhook()
	cancel()
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer stop()
	_ = server.Shutdown(grace) // fails where an answer is not taken in time
	_ = server.Close()         // cuts it off
	connections.Wait()
	if errors.Is(err, net.ErrClosed) { // by Close
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("serve %s: %w", what, err)
	}
	return errors.Join(err, s.Close())
}

// uncloseable keeps an http.Server from closing the listener, which has its order in Server.Close.
type uncloseable struct{ net.Listener }

// Close does nothing.
func (uncloseable) Close() error { return nil }
