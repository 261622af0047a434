// Package retrieval finds the passages of an agent's documents that speak of a question.
//
// It owns four steps: [Split] cuts a document into passages with their headings, [Build] makes an [Index] of passages,
// [Index.Search] ranks them by BM25, and [Library] keeps each agent's index at hand. What a person writes and what a
// document says meet as terms: lower-cased, without accents, without function words, stemmed by language.
//
// Invariants:
//   - No passage is longer than [MaxPassage] characters, and the text of each is a piece of its document as it stands
//     (after line ends became "\n"), so a quotation of a passage is a quotation of the document.
//   - Work on a document grows in proportion to its length, whatever is in it. That is why Markdown's blocks are read
//     here: goldmark, the usual parser, took 12.8 s over 128 KiB of ">" and is quadratic over plain lists too.
//   - An index holds one agent's passages. [Library] keys every index by client, agent and fingerprint of the documents,
//     each a field of its own, so no two agents can meet in one.
package retrieval
