// Package client owns a client's own record, its status and its settings.
//
// Invariants: a client, its settings, its place in the platform's list, its slug and its administrator's invitation come
// into being in one commit; what the platform does to a client is recorded in both trails (2); updates carry the version
// they saw (13).
package client
