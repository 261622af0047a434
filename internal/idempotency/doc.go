// Package idempotency makes unsafe requests repeatable: the answer of the first is kept, in the transaction of its effect, and
// given again to whoever repeats it with the same Idempotency-Key.
//
// The edge begins a [Pending] request and puts it into the context. A service announces what it will answer with [Answer],
// then commits through a table made by [Table], which adds the record to the commit. Neither needs to know of the other: without a
// pending request both do nothing.
//
// Invariants (numbered as in the README):
//
//   - 12: one effect per client, principal, operation and key within 24 hours. The record is written with the effect or not at all.
//   - 6: the kept answer is encrypted with a key derived from the platform's secret and the caller's idempotency key, so that a
//     secret in it, such as an invitation's token, is readable by nobody who only has the table.
package idempotency

import "time"

// Times of a record.
const (
	Kept  = 24 * time.Hour   // how long an answer can be had again
	Lease = 60 * time.Second // how long a request that committed without an answer keeps others out
)

// MaxKey is the longest Idempotency-Key in bytes.
const MaxKey = 255

// Header is the request's header; HeaderReplayed is set to `true` on an answer that was kept.
const (
	Header         = "Idempotency-Key"
	HeaderReplayed = "Idempotency-Replayed"
)

// Reply is an answer as it is kept and given again.
type Reply struct {
	Status   int    `json:"status"`
	ETag     string `json:"etag,omitempty"`
	Location string `json:"location,omitempty"`
	Body     []byte `json:"body,omitempty"` // as it was sent
}
