package remote

// look is one question whose answer is known.
type look struct {
	there bool // at the file that is there, not at the one that is not
	size  int64
	err   error
}

// anySize is for something of which only that it is there is known.
const anySize = -1

// right tells whether a look has the answer that it should have: a size, or none. A refusal is neither right nor wrong.
func (l look) right(size int64) bool {
	if l.there {
		return l.err == nil && (size == anySize || l.size == size)
	}
	return l.err != nil
}

// wrong tells whether it has one that belongs to another question.
func (l look) wrong(size int64) bool {
	if l.there {
		return Missing.is(l.err) || (l.err == nil && size != anySize && l.size != size)
	}
	return l.err == nil
}

// burstSize is how many questions a burst asks at once: a server that bears so many bears the work.
const burstSize = 8

// burst looks at what is there and at what is not, in turns and all at once.
func (p *probe) burst() {
	if p.failed() != nil {
		return
	}
	s := p.session
	err := s.do("stat", s.root(), func() error {
		replies := make([]<-chan []byte, burstSize)
		for i := range replies {
			var err error
			if _, replies[i], err = s.mux.send(nil, packetLstat, appendString(nil, p.lookAt(i%2 == 0))); err != nil {
				return err
			}
		}
		for i, reply := range replies {
			select {
			case r := <-reply:
				l := look{there: i%2 == 0}
				info, err := parseInfo(r)
				l.size, l.err = info.Size, err
				l.err = s.wrap("stat", p.lookAt(l.there), l.err)
				p.looks = append(p.looks, l)
			case <-s.mux.closed:
				return errGone
			}
		}
		return nil
	})
	if err != nil {
		p.fail(err)
	}
}

// lookAt returns the name of what is there, or of what is not.
func (p *probe) lookAt(there bool) string {
	if there {
		return p.there
	}
	return p.missing
}

// lookOnce finds out whether a file can be looked at when it is closed.
func (p *probe) lookOnce() { p.found.Stat = p.look(true).right(p.size) }

// look asks one question.
func (p *probe) look(there bool) look {
	name := p.lookAt(there)
	l := look{there: there}
	if l.err = p.failed(); l.err != nil {
		return l
	}
	s := p.session
	l.err = s.do("stat", name, func() error {
		fi, err := s.sftp.Lstat(name)
		if err == nil {
			l.size = fi.Size()
		}
		return err
	})
	if Transient.is(l.err) {
		p.fail(l.err)
	}
	return l
}

// judgeBurst finds out whether wrong answers were wrong because the questions came together: asked one by one, they are
// right. Nothing else is under way meanwhile.
func (p *probe) judgeBurst() {
	wrong := false
	p.found.Stat = true
	for _, l := range p.looks {
		wrong = wrong || l.wrong(p.size)
		p.found.Stat = p.found.Stat && (!l.there || l.right(p.size))
	}
	if !wrong {
		return
	}
	there, missing := p.look(true), p.look(false)
	if p.found.Stat = there.right(p.size); p.found.Stat && missing.right(p.size) {
		p.found.InFlight = 1
	}
}
