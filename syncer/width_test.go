package syncer

import (
	"testing"
	"time"
)

func TestBudgetFor(t *testing.T) {
	for trip, want := range map[time.Duration]int64{0: memoryBudget, farFrom - 1: memoryBudget, farFrom: farBudget, time.Second: farBudget} {
		if got := budgetFor(trip); got != want {
			t.Errorf("%v: %d, want %d", trip, got, want)
		}
	}
}
