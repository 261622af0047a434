package bolt

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

var (
	meta     = []byte("meta")
	items    = []byte("items")
	byParent = []byte("by_parent")
	byActor  = []byte("by_actor")
	expiry   = []byte("expiry")
	changes  = []byte("changes")
	cursors  = []byte("cursors")

	magicKey   = []byte("magic")
	magicValue = []byte("nowgo agents table")
	formatKey  = []byte("format")
)

// migration changes a file of one format into one of the next, within a transaction.
type migration func(tx *bbolt.Tx) error

// migrations has at n the migration from format n+1 to format n+2; the current format is one more than there are.
var migrations []migration

// layOut makes the buckets of the current format in an empty file.
func layOut(tx *bbolt.Tx) error {
	for _, name := range [][]byte{meta, items, byParent, byActor, expiry, changes, cursors} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	if err := tx.Bucket(meta).Put(magicKey, magicValue); err != nil {
		return err
	}
	return putFormat(tx, len(migrations)+1)
}

func putFormat(tx *bbolt.Tx, format int) error {
	return tx.Bucket(meta).Put(formatKey, binary.BigEndian.AppendUint32(nil, uint32(format)))
}

// migrate brings the file to the current format, one transaction for each step. Errors: [ErrForeign], [ErrNewer], [ErrCorrupt];
// the file is untouched then.
func migrate(db *bbolt.DB, steps []migration) error {
	format, err := formatOf(db)
	if err != nil {
		return err
	}
	if current := len(steps) + 1; format > current {
		return fmt.Errorf("%w: it has format %d, this version reads up to %d", ErrNewer, format, current)
	}
	for ; format <= len(steps); format++ {
		err := db.Update(func(tx *bbolt.Tx) error {
			if err := steps[format-1](tx); err != nil {
				return err
			}
			return putFormat(tx, format+1)
		})
		if err != nil {
			return fmt.Errorf("bolt: migration from format %d: %w", format, err)
		}
	}
	return db.View(checkBuckets)
}

func formatOf(db *bbolt.DB) (format int, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(meta)
		if b == nil || string(b.Get(magicKey)) != string(magicValue) {
			return fmt.Errorf("%w: it belongs to another program", ErrForeign)
		}
		v := b.Get(formatKey)
		if len(v) != 4 || binary.BigEndian.Uint32(v) == 0 {
			return fmt.Errorf("%w: it does not say its format", ErrCorrupt)
		}
		format = int(binary.BigEndian.Uint32(v))
		return nil
	})
	return format, err
}

func checkBuckets(tx *bbolt.Tx) error {
	for _, name := range [][]byte{items, byParent, byActor, expiry, changes, cursors} {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: bucket %s is missing", ErrCorrupt, name)
		}
	}
	return nil
}
