package bolt

import (
	"context"
	"io"

	"go.etcd.io/bbolt"
)

// Backup writes the whole table, as it is at this moment, to w: a file that [Open] opens. Commits go on meanwhile; the pages they
// replace are kept until it ends, so the file grows while w is slow. Errors: ctx's, w's, those of a read.
func (t *Table) Backup(ctx context.Context, w io.Writer) error {
	return t.view(ctx, func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(attentive{ctx, w})
		return err
	})
}

// attentive stops writing when its context ends.
type attentive struct {
	ctx context.Context
	w   io.Writer
}

func (a attentive) Write(b []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	return a.w.Write(b)
}
