// Package capacity counts what each operation asks of the table on DynamoDB: requests, read units and the rows of transactions. They
// follow from the code and from the bytes stored, not from time, so they are tests; their table stands in testdata/capacity.md and,
// word for word, in the README. It counts them a second time among many clients, where none may be higher.
//
//	go test ./tests/capacity -update
//
// writes both anew.
package capacity
