// Package bolt is the embedded adapter of [store.Table]: one durable file (go.etcd.io/bbolt), for the monolith.
//
// The file's buckets:
//
//	meta       magic and format version
//	items      partition, sk → the item (see record)
//	by_parent  partition, parent_sk, 0x00, sk → nothing
//	by_actor   partition, actor_sk, 0x00, sk → nothing
//	expiry     8 bytes of seconds since 1970, item key → nothing
//	changes    8 bytes of sequence → 8 bytes of seconds since 1970, item key
//	cursors    name of a consumer → 8 bytes of the last sequence it acknowledged
//
// A partition is two bytes of length and the client's id, so that no client's keys can run into another's. Sort keys have no
// control characters, so 0x00 ends an index key, and bytes sort as (index key, sk). Indexes and changes only point to the
// item: a list costs a look-up for each of its items, a commit writes nothing twice, and what is erased in an item is not left
// behind in a copy. Numbers are big-endian.
//
// Invariants:
//
//   - One goroutine writes. It puts all commits that wait into one transaction, and answers each after the file was synced.
//   - A commit's conditions are all checked before its first write, so that one that fails leaves those beside it untouched.
//   - No read transaction outlives a call, and none but Backup's depends on anybody else's speed.
//   - No panic of bbolt over a damaged page leaves the package.
package bolt
