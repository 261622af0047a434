// Package organization owns what a client tells of its company: profiles with their success metrics, and the sector
// templates that agents are generated from.
//
// Invariants: a profile counts its agents in the transaction that adds or removes one, so that it cannot be deleted under
// them; an update carries the version it saw (invariant 13).
package organization
