package watcher

// notifier is the operating system's means to tell of changes. What it tells goes into a dirty set as it comes; so does
// the error after which it may tell nothing more.
type notifier interface {
	// recursive tells that a watch on the root covers all that lies below, and is the only one.
	recursive() bool
	// add watches a directory, given by its full path. It is safe to call for one that is watched already.
	add(name string) error
	// remove ends a watch, if there is one.
	remove(name string)
	// close ends all, and returns when nothing more goes into the dirty set.
	close() error
}
