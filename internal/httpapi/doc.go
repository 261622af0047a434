// Package httpapi is the edge of the platform: it turns HTTP requests into calls of services and their answers and errors back.
// Capabilities register their operations on an [API]; what every request needs is done here, once:
//
//	request id → panic guard → access log → route → policy → limits of the body → idempotency → decoding and validation
//
// Invariants (numbered as in the README):
//
//   - 7: every operation is decided by internal/access before anything of the request is decoded.
//   - 6: no header, body or query value is logged; a cause is logged and never sent.
//   - 12: repeatable operations keep their answer in the transaction of their effect, see internal/idempotency.
//   - 13: updates carry the version they saw, see [Precondition].
package httpapi
