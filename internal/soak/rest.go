package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/file"
)

// history takes down the receipts.
func (s *soak) history(ctx context.Context) error {
	var h struct {
		Deliveries []struct {
			ID, SHA256, Evidence string
			RemotePath           string `json:"remote_path"`
			Size                 int64
			Attempts             int
			DeliveredAt          time.Time `json:"delivered_at"`
		}
	}
	if err := s.agent.ask(ctx, &h, "history"); err != nil {
		return err
	}
	for _, d := range h.Deliveries {
		name, _ := file.Rel(s.root, d.RemotePath)
		s.facts.Receipts = append(s.facts.Receipts, receipt{d.ID, string(name), d.SHA256, d.Size, d.Evidence, d.Attempts, d.DeliveredAt})
	}
	return nil
}

// rest waits until the agent has nothing to do, and says what it still had where it takes too long.
func (s *soak) rest(ctx context.Context) (quiet bool, why string) {
	times := 0
	for end := time.Now().Add(restWithin); time.Now().Before(end); {
		if why = s.work(ctx); why == "" {
			times++
		} else {
			times = 0
		}
		if times == 2 { // what has just left the watcher may not have come to the store
			return true, ""
		}
		if sleep(ctx, time.Second) != nil {
			return false, "interrupted"
		}
	}
	return false, why
}

// work says what the agent has to do, "" for nothing.
func (s *soak) work(ctx context.Context) string {
	var status struct {
		Folders []struct {
			Name, State                   string
			Ready, Settling, Held, Parked int
		}
		Destinations []struct {
			State, Reason  string
			Queued, Active int
		}
	}
	if err := s.agent.ask(ctx, &status, "status"); err != nil {
		return err.Error()
	}
	for _, f := range status.Folders {
		if f.State != "watching" || f.Ready+f.Settling > 0 {
			return fmt.Sprintf("folder %+v, destinations %+v", f, status.Destinations)
		}
	}
	for _, d := range status.Destinations {
		if d.Queued+d.Active > 0 {
			return fmt.Sprintf("destination %+v", d)
		}
	}
	var plan struct{ Operations, Waiting []json.RawMessage }
	if err := s.agent.ask(ctx, &plan, "plan"); err != nil {
		return err.Error()
	}
	if len(plan.Operations)+len(plan.Waiting) > 0 {
		return fmt.Sprintf("plan: %s, waiting: %s", plan.Operations, plan.Waiting)
	}
	left, err := entries(s.made.roots[outbox], "")
	if err != nil {
		return err.Error()
	}
	if len(left) > 0 {
		return fmt.Sprintf("%d files in the outbox, %s one of them", len(left), left[0].Name)
	}
	return ""
}
