package syncer

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dropferry/dropferry/remote"
)

// disconnect closes a session and keeps what was learned of its server.
func (l *link) disconnect(ctx context.Context, session Session) {
	session.Close()
	// What is not kept is learned again, and a store that fails shows itself where it matters.
	ctx = context.WithoutCancel(ctx)
	_ = keepLearned(ctx, l.store, l.name, session)
	_ = l.store.SaveRates(ctx, l.name, l.speeds.learned(l.now()))
}

// keepLearned stores what a session has found out since its server was probed, or about a probe that has cost it the
// connection.
func keepLearned(ctx context.Context, store Store, destination string, session Session) error {
	identity := session.Identity()
	text, found, err := store.Capabilities(ctx, destination, identity)
	if err != nil {
		return err
	}
	var known remote.Capabilities
	if found && json.Unmarshal(text, &known) != nil {
		known = remote.Capabilities{} // of another version of this program: see learn
	}
	learned, changed := known.Learn(session.Capabilities())
	if !changed {
		return nil
	}
	return saveCapabilities(ctx, store, destination, identity, learned)
}

func saveCapabilities(ctx context.Context, store Store, destination, identity string, c remote.Capabilities) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("capabilities of %s: %w", destination, err)
	}
	return store.SaveCapabilities(ctx, destination, identity, text)
}
