package main

import (
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// gauge counts what a run costs besides the client's own: at the server, and on the wire.
type gauge struct {
	server *server
	wire   *sftptest.Wire // nil on the loopback interface, where nothing is counted

	cpuBefore  time.Duration
	wireBefore int64
	sentBefore int64
	cpu        time.Duration // of the server
	bytes      int64         // in both directions, with all that TCP carries; -1 where there is no wire
	sent       int64         // of those, to the server
	ended      bool
}

// begin counts from now on; what went before is forgotten.
func (g *gauge) begin() {
	g.cpuBefore, g.wireBefore = g.server.ProcessorTime(), g.passed()
	if g.wire != nil {
		g.sentBefore = sentOver(g.wire)
	}
}

// end counts no further. Only the first time matters.
func (g *gauge) end() {
	if g.ended {
		return
	}
	g.ended = true
	g.cpu, g.bytes, g.sent = g.server.ProcessorTime()-g.cpuBefore, -1, -1
	if g.wire != nil {
		g.bytes, g.sent = g.passed()-g.wireBefore, sentOver(g.wire)-g.sentBefore
	}
}

func (g *gauge) passed() int64 {
	if g.wire == nil {
		return 0
	}
	sent, received, _ := g.wire.Stats()
	return sent + received
}
