// Package directory owns what must be found before the client is known, and what belongs to no client: persons, the
// list of clients, taken slugs, and the platform's own trail. It is the only package that names platform partitions:
//
//	$login#<sha256 of the normalized email>   the person: password, the clients they belong to
//	$apikey#<prefix of the key>               where an API key's rows are
//	$clients#<shard 0-15>                     the list of clients, taken slugs
//	$platform#<shard 0-15>                    a global administrator's user and session
//	$trail#<shard 0-15>                       the platform's events: by themselves, so that whoever may add to them may add nothing else
//
// What it changes it hands out as opaque changes, for the caller to commit beside the client's own rows and their audit
// events: a change of both is one commit (invariant 2).
package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Shards is how many partitions the list of clients, and the platform's own rows, are each spread over.
const Shards = 16

const (
	loginPartition    = "$login#"
	keysPartition     = "$apikey#"
	clientsPartition  = "$clients#"
	platformPartition = "$platform#"
	trailPartition    = "$trail#"
)

// Directory reads and changes the platform partitions of a table. It may be used concurrently.
type Directory struct{ table store.Table }

// New returns the directory kept in table.
func New(table store.Table) *Directory { return &Directory{table: table} }

// Ready returns an error unless the table answers: it reads one row, which need not be there.
func (d *Directory) Ready(ctx context.Context) error {
	if _, err := d.SlugOwner(ctx, "-"); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

func login(email string) tenant.ID {
	sum := sha256.Sum256([]byte(email))
	return tenant.ID(loginPartition + hex.EncodeToString(sum[:]))
}

func sharded(partition, key string) tenant.ID { return numbered(partition, shardOf(key)) }

func numbered(partition string, shard int) tenant.ID {
	return tenant.ID(partition + strconv.Itoa(shard))
}

func shardOf(key string) int {
	sum := sha256.Sum256([]byte(key))
	return int(sum[0]) % Shards
}

// Home returns the partition of the rows of a global administrator: its user and its sessions.
func Home(user string) tenant.ID { return sharded(platformPartition, user) }

// PlatformEvent returns e moved into the platform's trail, for what belongs to no client or is recorded in both trails. Its
// body, and so its id and commitment, stay the same. What is personal in a client's event stays in that client's trail alone, with
// which it ends.
func PlatformEvent(e audit.Event) audit.Event {
	e.Partition = sharded(trailPartition, e.Body.ID)
	if e.Body.ClientID != "" {
		e.Private = nil
	}
	return e
}

// in returns c in a platform partition. A row that could not be encoded gives a change that every Commit refuses with
// store.ErrBadKey, so that nothing is written in its place.
func in(partition tenant.ID, c store.Change, err error) store.Change {
	if err != nil {
		return store.Change{}
	}
	c.Partition = partition
	return c
}

func badCursor() error { return fmt.Errorf("%w: cursor", store.ErrBadQuery) }
