package watcher

import (
	"fmt"
	"os"
)

// budget bounds the descriptors that watching takes where the system wants one for each file, as kqueue does: a large tree
// would leave none for sending. What does not fit is polled. A budget without a bound counts nothing.
type budget struct {
	most  int // 0: no bound
	count func(dir string) int
	costs map[string]int // by directory
	spent int
}

func newBudget(most int, count func(dir string) int) *budget {
	return &budget{most: most, count: count, costs: map[string]int{}}
}

// errBudget is of a directory that does not fit.
type errBudget struct{ most int }

func (e *errBudget) Error() string {
	return fmt.Sprintf("watching takes a descriptor for each file here, and %d are set aside for it", e.most)
}

// take sets aside what dir costs, once.
func (b *budget) take(dir string) error {
	if b.most == 0 || b.costs[dir] > 0 {
		return nil
	}
	cost := 1 + b.count(dir)
	if b.spent+cost > b.most {
		return &errBudget{b.most}
	}
	b.costs[dir] = cost
	b.spent += cost
	return nil
}

func (b *budget) giveBack(dir string) {
	b.spent -= b.costs[dir]
	delete(b.costs, dir)
}

// countNames counts what dir holds; 0 where it cannot be read, which watching it will tell.
func countNames(dir string) int {
	d, err := os.Open(dir)
	if err != nil {
		return 0
	}
	defer func() { _ = d.Close() }() // read only: nothing can be lost
	names, _ := d.Readdirnames(-1)
	return len(names)
}
