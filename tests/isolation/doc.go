// Package isolation attacks every operation of the API, as every role of one client, upon another, by every vector that applies.
//
// Four clients with look-alike names are made, filled alike and marked: each has a word of its own in every text that people can write. Then
// every operation of the OpenAPI document is called as each role of the first client, with what belongs to the others put wherever the
// operation takes something: in the path, the query, the body, headers, cursors, ETags, idempotency keys, search texts. No answer may
// hold the others' word or ids, nor differ from the answer about what does not exist; and at the end the others are as they were.
//
// So that an attack is not refused for its form, each operation has a recipe, with which the same request succeeds in one's own client.
// An operation without a recipe fails the test.
package isolation
