package watcher

// writers is the answer to whether anybody has a file open for writing.
type writers uint8

const (
	writersUnknown writers = iota // there is no way to tell for this file
	writersNone
	writersPresent
)

// fileSystem is a kind of file system, as far as a watcher cares.
type fileSystem uint8

const (
	localFS   fileSystem = iota
	userFS               // FUSE: local calls, but what is behind it may change without them
	networkFS            // changes by other machines give no hints, and leases mean something else
)

// String is how a person would call it.
func (f fileSystem) String() string {
	switch f {
	case userFS:
		return "FUSE"
	case networkFS:
		return "network"
	default:
		return "local"
	}
}
