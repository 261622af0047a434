// Package erasure is the end of a client: the worker that, once the grace period is over, removes everything that the client has, and
// certifies it.
//
// Each step can be repeated, and what was done is noted in the directory, so that a process that dies half-way is followed by another
// that goes on: people and their logins, API keys, files, cached values, rows; then, after a time in which what was still under way
// arrives (events on their way to the archive), all of it again; then the certificate, the slug and the list's entry. The id
// stays, with the certificate, and is never given to another client.
//
// Invariants (numbered as in the README):
//
//   - 1: each call is about one client. The worker crosses clients by what is due in the directory alone.
//   - 2: the beginning and the end are recorded in the platform's trail, for the client's own goes with it.
package erasure
