package client_test

import (
	"context"
	"testing"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// between is a table upon which somebody else writes before the first reading.
type between struct {
	store.Table
	first func()
}

func (b *between) Get(ctx context.Context, client tenant.ID, sk string) (store.Item, error) {
	if first := b.first; first != nil {
		b.first = nil
		first()
	}
	return b.Table.Get(ctx, client, sk)
}

// INVARIANT 13: a client that changes after it was read, and before its place in the list is, is not overwritten: what was read of the list
// is then as new as can be, and only the client's own version tells.
func TestAClientThatChangesBeforeTheListIsReadIsNotOverwritten(t *testing.T) {
	b := newBench(t)
	id := b.create(t, "loja-azul").Client.ID
	racing := *b.Service
	racing.Directory = directory.New(&between{b.Kit.Table, func() {
		if _, err := b.Rename(b.root, id, 1, "Loja Anil"); err != nil {
			t.Fatal(err)
		}
	}})
	_, err := racing.SetStatus(b.root, id, 1, client.Suspended)
	want(t, "renamed meanwhile", err, fault.PreconditionFailed, "version_mismatch")
	if c, err := b.Client(b.root, id); err != nil || c.Status != client.Active || c.Name != "Loja Anil" || c.Version != 2 {
		t.Errorf("%+v, %v", c, err)
	}
}

// What cannot be a client's id is no client, and a partition of the platform is none either.
func TestWhatIsNoIDIsNoClient(t *testing.T) {
	b := newBench(t)
	for _, id := range []tenant.ID{"", "cli", "CLI_BLUE", "cli_\x00", "$clients", "cli_blue#"} {
		_, err := b.Client(b.root, id)
		want(t, "reading "+string(id), err, fault.NotFound, "client_not_found")
		_, err = b.Certificate(b.root, id)
		want(t, "the certificate of "+string(id), err, fault.NotFound, "client_not_found")
	}
}
