package notify

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// moment is when the tests' alerts were made.
var moment = time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)

// patience is for what should happen at once.
const patience = time.Minute

// memory is a Memory for one test.
type memory struct {
	mu     sync.Mutex
	values map[string]string
	writes int
}

func (m *memory) Meta(_ context.Context, key string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], nil
}

func (m *memory) SetMeta(_ context.Context, key, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[string]string{}
	}
	m.values[key] = value
	m.writes++
	return nil
}

// blocked is an alert about a destination.
func blocked(name string) Alert {
	return Alert{Event: Blocked, Key: "destination:" + name, At: moment, Since: moment, Destination: name, Text: "the login was refused"}
}

func parked(path string) Alert {
	return Alert{Event: Parked, Key: "file:" + path, At: moment, Folder: "in", Destination: "acme", Path: path, Text: "permission denied"}
}

// words are what alerts are about, in their order.
func words(alerts []Alert) []string {
	said := []string{}
	for _, a := range alerts {
		said = append(said, a.Subject())
	}
	return said
}
