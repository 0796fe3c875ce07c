// Package syncer brings what is ready to where it belongs. Its parts, in the order in which a file meets them:
//
//   - the planner compares a scan with what is known (merge, plan) and writes intents to the store: pure decisions,
//     taken by Decide and judge;
//   - a link owns one destination: its session, its queue of intents, its backoff;
//   - a delivery takes one intent through the write-ahead protocol: upload to a temp, verify the temp, note that it will
//     be published (T2), rename, write the receipt (T3);
//   - takeAway archives or deletes a source that every destination has (T4).
//
// The store decides in every dispute: a step that finds its intent superseded stops. Recovery after a crash is no special
// path: open intents are in the store, and the links go on with them.
package syncer
