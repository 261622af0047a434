// Package agent owns agents, their versioned configurations and the documents they know.
//
// Invariants (numbered as in the README):
//
//   - 5: a published configuration version never changes. A change to one makes the next version, a draft; every change of a
//     configuration also moves the agent's own version, so that two people's drafts cannot overwrite each other (13).
//   - The agent's corpus mark changes in the same commit as its documents, so that a search index built for one mark is never used
//     for another.
//   - An agent that has documents, or ever had a conversation, is not deleted: its own row says so, from the commit that adds the first.
package agent
