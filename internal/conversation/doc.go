// Package conversation owns the talk between people and agents.
//
// Invariants (numbered as in the README):
//
//   - 5: a conversation stays on the configuration version it started with.
//   - The question is stored before the model is asked; the reply comes in a second commit. A repeated request that finds its
//     question stored goes on from there instead of asking twice (12).
//   - What a turn may cost is reserved with the question and settled with the reply, in their commits. A turn that is never settled
//     counts with what was reserved: see internal/quota.
//   - Who may see a conversation is decided by whoever calls: see internal/capability/conversations.
package conversation
