// Package agent wires the parts of dropferry together for one configuration: the store, a watcher for each folder, a link
// for each destination. It knows in which order they start and stop, and it answers the questions that commands ask.
// It decides nothing about files: that is the syncer's.
package agent
