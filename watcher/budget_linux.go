package watcher

// descriptorBudget is 0: inotify takes one descriptor for all.
func descriptorBudget() int { return 0 }
