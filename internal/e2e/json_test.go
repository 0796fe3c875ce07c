package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The shapes of the JSON that scripts depend on, spelled out here so that a renamed field breaks a test.
type (
	planJSON struct {
		Operations []struct {
			Op, Folder, Destination, Path, Reason, Detail, From string
			RemotePath                                          string `json:"remote_path"`
			Size                                                int64
			Sent                                                *int64
		}
		Waiting []struct {
			Folder, Destination, Path, Reason, Detail string
			Size                                      int64
			Until                                     *time.Time
		}
		Unreached map[string]string
	}

	deliveryJSON struct {
		ID, Folder, Destination, Path, SHA256, Evidence, Command string
		PathB64                                                  []byte `json:"path_b64"`
		RemotePath                                               string `json:"remote_path"`
		Size, Sent                                               int64
		Attempts                                                 int
		StartedAt                                                time.Time `json:"started_at"`
		DeliveredAt                                              time.Time `json:"delivered_at"`
		HostKey                                                  string    `json:"host_key"`
	}

	historyJSON struct{ Deliveries []deliveryJSON }

	eventJSON struct {
		Type, ID, Folder, Destination, Path, Reason, Error string
		At                                                 time.Time
		PathB64                                            []byte `json:"path_b64"`
		RemotePath                                         string `json:"remote_path"`
		Size                                               int64
		Receipt                                            *deliveryJSON

		// of the last line
		Delivered, Failed, Held, Unsettled, Unread, Kept, Paused int
		Bytes                                                    int64
		Seconds                                                  float64
	}

	explanationJSON struct {
		Path, Folder, State, Reason string
		Since, Until                *time.Time
		Routes                      []struct {
			Destination, State, Reason, ID string
			RemotePath                     string `json:"remote_path"`
			Attempts                       int
			LastError                      string `json:"last_error"`
			Whole                          string
			NextAttempt                    *time.Time `json:"next_attempt"`
			Story                          []momentJSON
		}
		Receipts []deliveryJSON
	}

	momentJSON struct {
		At   time.Time
		What string
	}

	statusJSON struct {
		Agent struct {
			Name, Version, Config string
			Running               bool
			PID                   int
			StartedAt             *time.Time `json:"started_at"`
		}
		Folders []struct {
			Name, Mode, Path, State, Reason      string
			Files, Ready, Settling, Held, Parked int
			LastScan                             *time.Time `json:"last_scan"`
			Unmounted                            []string
			Replaced                             int
			ReplacedFiles                        []string `json:"replaced_files"`
			Waiting                              []struct {
				Destination, Rule, Path, ID, State, Reason string
				Files                                      int
			}
		}
		Destinations []struct {
			Name, State, Reason string
			Connected           bool
			Queued, Active      int
			NextAttempt         *time.Time `json:"next_attempt"`
			Warnings            []string
		}
		Transfers []struct {
			ID, Folder, Destination, Path string
			Size, Sent                    int64
		}
		Pauses    []struct{ Folder, Destination string }
		Attention []attentionJSON
	}

	attentionJSON struct {
		ID, Folder, Destination, Path, State, Reason string
		Ours, Theirs                                 *copyJSON
	}

	checkJSON struct {
		OK     bool
		Faults []struct {
			File, Key, Text, Hint string
			Line                  int
			Warning               bool
		}
		Destinations []struct {
			Destination, Address, Error, Hint string
			HostKey                           string `json:"host_key"`
			Free                              *int64
			Seconds                           float64
			Way                               []string
			Capabilities                      *abilities
		}
	}
)

// decode reads JSON.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return v
}

// events reads the lines of `once --json`, the summary apart.
func events(t *testing.T, text string) (all []eventJSON, summary eventJSON) {
	t.Helper()
	for line := range strings.Lines(text) {
		all = append(all, decode[eventJSON](t, line))
	}
	if len(all) == 0 || all[len(all)-1].Type != "summary" {
		t.Fatalf("no summary at the end of:\n%s", text)
	}
	return all[:len(all)-1], all[len(all)-1]
}

// once runs `once --json`, which has to end with a code.
func (r *rig) once(code int, args ...string) (all []eventJSON, summary eventJSON) {
	r.t.Helper()
	return events(r.t, r.expect(code, append([]string{"once", "--json"}, args...)...).stdout)
}

// deliver runs `once`, which has to deliver so many files.
func (r *rig) deliver(n int) {
	r.t.Helper()
	if _, summary := r.once(0); summary.Delivered != n {
		r.t.Fatalf("%d files were delivered, want %d", summary.Delivered, n)
	}
}

func (r *rig) history(args ...string) []deliveryJSON {
	r.t.Helper()
	return decode[historyJSON](r.t, r.expect(0, append([]string{"history", "--json"}, args...)...).stdout).Deliveries
}

func (r *rig) plan(code int, args ...string) planJSON {
	r.t.Helper()
	return decode[planJSON](r.t, r.expect(code, append([]string{"plan", "--json"}, args...)...).stdout)
}

func (r *rig) explain(name string) explanationJSON {
	r.t.Helper()
	return decode[explanationJSON](r.t, r.expect(0, "explain", "--json", name).stdout)
}

func (r *rig) status() statusJSON {
	r.t.Helper()
	return decode[statusJSON](r.t, r.expect(0, "status", "--json").stdout)
}

// types returns the types of events in their order.
func types(all []eventJSON) []string {
	var found []string
	for _, e := range all {
		found = append(found, e.Type)
	}
	return found
}
