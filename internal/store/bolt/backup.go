package bolt

import (
	"context"
	"fmt"
	"io"

	"go.etcd.io/bbolt"
)

// Backup writes the whole table, as it is at this moment, to w: a file that [Open] opens. Commits go on meanwhile; the pages they
// replace are kept until it ends, so the file grows while w is slow. Errors: ctx's, w's, those of a read.
func (t *Table) Backup(ctx context.Context, w io.Writer) error {
	out := &attentive{ctx: ctx, w: w}
	return t.view(ctx, func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(out)
		switch {
		case err == nil:
			return nil
		case out.err != nil: // bbolt does not wrap it
			return fmt.Errorf("bolt: backup: %w", out.err)
		default:
			return unavailable(err)
		}
	})
}

// attentive stops writing when its context ends.
type attentive struct {
	ctx context.Context
	w   io.Writer
	err error // the first
}

func (a *attentive) Write(b []byte) (n int, err error) {
	if err = a.ctx.Err(); err == nil {
		n, err = a.w.Write(b)
	}
	if a.err == nil {
		a.err = err
	}
	return n, err
}
