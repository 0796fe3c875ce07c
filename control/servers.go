package control

import (
	"net/http"
	"time"
)

// Servers is what is known of the other sides.
type Servers struct {
	Destinations []Reached `json:"destinations"` // all of the configuration, in its order
}

// Reached is one destination, and the servers that have answered there.
type Reached struct {
	Name    string   `json:"name"`
	Address string   `json:"address"`
	User    string   `json:"user"`
	Root    string   `json:"root"`
	Way     []string `json:"way,omitempty"`      // what the connection goes through: a proxy's URL, names of destinations
	HostKey string   `json:"host_key,omitempty"` // of the last delivery
	// OnlyWay says that others are reached through it and nothing is delivered there, so that nothing is asked of it but a login.
	OnlyWay bool `json:"only_way,omitempty"`
	// Servers are those of which something is known, the last one that was probed first: a load balancer may have several.
	Servers []Probed `json:"servers"`
}

// Probed is what a probe has found out about one server.
type Probed struct {
	Banner     string       `json:"banner"` // the version that it greets with
	ProbedAt   time.Time    `json:"probed_at"`
	Findings   []Capability `json:"findings"`   // the weightiest first
	Extensions []string     `json:"extensions"` // of SFTP, that it announces, in the order of their names
}

// Capability is one thing that servers differ in, what it is here, and what follows from it.
type Capability struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"` // it is there; where it is not, something is lost that the text names
	Text string `json:"text"`
}

func (s Site) servers(w http.ResponseWriter, r *http.Request) {
	if err := only(r.URL.Query()); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	known, err := s.Servers(r.Context())
	conclude(w, r, known, err)
}
