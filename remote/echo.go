package remote

import "bytes"

// A small file that goes up in one WRITE is read back by the same handle in the same round trip, where that shows what will
// stand there after the close. So it is proved by the time at which it is closed, without a look, an OPEN and a round trip
// more; see verifySmall for all others.

// echo is the reading back of a file behind the WRITE that has made it.
type echo struct {
	sent     []byte
	info     Info
	requests []*request
}

// proved is what an echo has shown.
type proved struct {
	info Info
	sum  []byte
}

// mayEcho tells whether the upload's file, which goes in one WRITE, is read back with it.
func (w *writing) mayEcho() bool {
	s, u := w.session, w.upload
	return u.Proved && u.Size > 0 && s.profile.rereads && s.caps.Load().Fsync && s.isSmall(u.Size) && w.isOne()
}

// newEcho asks for what was sent, from the beginning of the file.
func newEcho(handle string, sent []byte) *echo {
	e := &echo{sent: sent}
	e.requests = append([]*request{statRequest(packetFstat, handle, &e.info)}, readRequests(handle, sent, parseSame)...)
	return e
}

// parseSame reads the reply to a READ, which has to be what is wanted.
func parseSame(reply, want []byte) error {
	data, err := parseString(packetData, reply)
	if err == nil && data != string(want) {
		return errOtherBytes
	}
	return err
}

// settle notes what the answers show. What they do not show is left to Verify.
func (e *echo) settle(w *writing) {
	for _, r := range e.requests {
		if r.err != nil {
			return
		}
	}
	if e.info.Size == int64(len(e.sent)) {
		w.session.proofs.Store(w.upload.Temp, &proved{e.info, w.in.sum.Sum(nil)})
	}
}

// takeProof returns what the echo of an upload of this session has shown of a file, once.
func (s *Session) takeProof(name string, size int64, sum []byte) (Info, bool) {
	p, ok := s.proofs.LoadAndDelete(name)
	if !ok {
		return Info{}, false
	}
	shown := p.(*proved)
	return shown.info, shown.info.Size == size && bytes.Equal(shown.sum, sum)
}
