package client_test

import (
	"testing"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/testkit"
)

// A client that is renamed at the moment in which its erasure begins is marked all the same: one that is erased, and can still be taken
// back, would come back empty.
func TestMarkErasingIsNotLostToAnotherChange(t *testing.T) {
	b := newBench(t)
	made := b.create(t, "loja-azul")
	leaving, err := b.Offboard(b.root, made.Client.ID, made.Client.Version, 0)
	if err != nil {
		t.Fatal(err)
	}
	over := &testkit.Overtaken{Table: b.Kit.Table, Times: 1}
	over.First = func() {
		if _, err := b.Rename(b.root, leaving.ID, leaving.Version, "Loja Anil"); err != nil {
			t.Error(err)
		}
	}
	racing := *b.Service
	racing.Table = over
	if marked, err := racing.MarkErasing(b.root, leaving.ID); err != nil || !marked {
		t.Errorf("marked %v, %v", marked, err)
	}
	if c, err := b.Client(b.root, leaving.ID); err != nil || c.Status != client.Erasing || c.Name != "Loja Anil" {
		t.Errorf("%+v, %v", c, err)
	}
	_, err = b.Restore(b.root, leaving.ID, 0)
	want(t, "restore", err, fault.Conflict, "client_not_leaving")
}

// One that is taken back in that moment stays.
func TestMarkErasingLosesToARestore(t *testing.T) {
	b := newBench(t)
	made := b.create(t, "loja-azul")
	leaving, err := b.Offboard(b.root, made.Client.ID, made.Client.Version, 0)
	if err != nil {
		t.Fatal(err)
	}
	over := &testkit.Overtaken{Table: b.Kit.Table, Times: 1}
	over.First = func() {
		if _, err := b.Restore(b.root, leaving.ID, leaving.Version); err != nil {
			t.Error(err)
		}
	}
	racing := *b.Service
	racing.Table = over
	if marked, err := racing.MarkErasing(b.root, leaving.ID); err != nil || marked {
		t.Errorf("marked %v, %v", marked, err)
	}
	if c, err := b.Client(b.root, leaving.ID); err != nil || c.Status != client.Active {
		t.Errorf("%+v, %v", c, err)
	}
}

// INVARIANT 13: who takes a client back and names no version cannot have a wrong one.
func TestRestoreWithoutAVersionIsNotLostToAnotherChange(t *testing.T) {
	for name, c := range map[string]struct {
		named int64 // the version that the caller names; 0: none
		err   fault.Kind
	}{
		"no version": {0, 0},
		"a version":  {2, fault.PreconditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			made := b.create(t, "loja-azul")
			leaving, err := b.Offboard(b.root, made.Client.ID, made.Client.Version, 1)
			if err != nil {
				t.Fatal(err)
			}
			over := &testkit.Overtaken{Table: b.Kit.Table, Times: 1}
			over.First = func() {
				if _, err := b.Rename(b.root, leaving.ID, leaving.Version, "Loja Anil"); err != nil {
					t.Error(err)
				}
			}
			racing := *b.Service
			racing.Table = over
			got, err := racing.Restore(b.root, leaving.ID, c.named)
			if c.err != 0 {
				want(t, "restore", err, c.err, "version_mismatch")
				return
			}
			if err != nil || got.Status != client.Active || got.Name != "Loja Anil" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
