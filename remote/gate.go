package remote

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Gate lets several destinations log in to the jump host that they share one at a time: where it refuses the account, those that
// wait hear of that instead of being refused as well, each a step towards a locked account. A Gate is for one account.
type Gate struct {
	turn    chan struct{} // holds one while nobody logs in
	refused error         // how the last login was refused; nil where it was not. Changed with the turn
	at      time.Time     // when that was
	account [sha256.Size]byte
}

// NewGate returns an open one.
func NewGate() *Gate {
	g := &Gate{turn: make(chan struct{}, 1)}
	g.turn <- struct{}{}
	return g
}

// gateMemory is for how long a refusal is the answer for those too that did not wait for it, and began a little later.
const gateMemory = 10 * time.Second

// pass calls logIn, unless somebody was refused with the same proofs since the caller came or shortly before.
func (g *Gate) pass(ctx context.Context, account *proofs, logIn func() error) error {
	if g == nil {
		return logIn()
	}
	came := time.Now()
	select {
	case <-g.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { g.turn <- struct{}{} }()
	digest := account.digest()
	if g.refused != nil && g.account == digest && came.Sub(g.at) < gateMemory {
		return fmt.Errorf("%w (to another destination's login, so that it was not tried again)", g.refused)
	}
	err := logIn()
	g.refused, g.at, g.account = nil, time.Now(), digest
	if errors.Is(err, errDenied) {
		g.refused = err
	}
	return err
}

// digest tells proofs from others.
func (p *proofs) digest() [sha256.Size]byte {
	h := sha256.New()
	for _, s := range p.signers {
		_, _ = fmt.Fprintf(h, "%q ", s.PublicKey().Marshal())
	}
	_, _ = fmt.Fprintf(h, "%q", p.password)
	for _, a := range p.answers {
		_, _ = fmt.Fprintf(h, " %q %q", a.prompt, a.text)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
