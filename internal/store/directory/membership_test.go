package directory_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
)

func TestAPersonHasOnePlaceInAClient(t *testing.T) {
	first, again := directory.Membership{Client: client, User: "usr_1"}, directory.Membership{Client: client, User: "usr_2"}
	elsewhere, global := directory.Membership{Client: "cli_other", User: "usr_3"}, directory.Membership{User: "usr_4", Global: true}
	before := directory.Person{}.Join(first).Join(elsewhere).Join(global)
	after := before.Join(again)
	if want := []directory.Membership{elsewhere, global, again}; !slices.Equal(after.Memberships, want) {
		t.Errorf("joined again: %+v", after.Memberships)
	}
	if left := after.Leave(first); len(left.Memberships) != 3 {
		t.Errorf("a place that the person does not have: %+v", left.Memberships)
	}
	if left := after.Leave(again); !slices.Equal(left.Memberships, []directory.Membership{elsewhere, global}) {
		t.Errorf("left: %+v", left.Memberships)
	}
	if want := []directory.Membership{first, elsewhere, global}; !slices.Equal(before.Memberships, want) {
		t.Errorf("the person of before changed: %+v", before.Memberships)
	}
}

func TestDeletedPersonIsGone(t *testing.T) {
	f := open(t)
	p := directory.Person{ID: "per_1", Email: "ana@x.example"}
	if err := f.commit(t, f.CreatePerson(p)); err != nil {
		t.Fatal(err)
	}
	p.Version = 7
	if _, lost := store.FailedOn(f.commit(t, f.DeletePerson(p))); !lost {
		t.Error("deleted at a version that nobody saw")
	}
	p.Version = 1
	if err := f.commit(t, f.DeletePerson(p)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.PersonByEmail(t.Context(), p.Email); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("read %v", err)
	}
}
