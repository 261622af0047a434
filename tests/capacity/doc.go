// Package capacity counts what each operation of the main job asks of the table on DynamoDB: requests and capacity units. Both
// follow from the code and from the bytes stored, not from time, so they are tests; their table stands in testdata/capacity.md and,
// word for word, in the README.
//
//	go test ./tests/capacity -update
//
// writes both anew.
package capacity
