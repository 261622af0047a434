package directory_test

import (
	"testing"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
)

// INVARIANT 13: every change of the directory has its condition, whatever else is in the commit: what is there is not made again, and
// what is not as it was seen is neither replaced nor taken away.
func TestEveryChangeHasItsCondition(t *testing.T) {
	f := open(t)
	soon := f.sys.Now().Add(time.Hour).Truncate(time.Second)
	at := directory.KeyPlace{Client: client, Key: "key_1"}
	listed := directory.Listed{ID: client, Name: "Azul", Slug: "azul", Status: "active", CreatedAt: f.sys.Now()}
	given := directory.Given{Client: client}
	due := directory.Due{Client: client, At: soon, Slug: "azul"}
	person := directory.Person{ID: "per_1", Email: "ana@x.example"}
	login := directory.LoginOf(person.Email)
	reset := directory.Reset{ID: "rst_1", SecretHash: "00", ExpiresAt: soon}
	if err := f.commit(t, f.PlaceAPIKey("abc", at, soon), f.ListClient(listed), f.TakeSlug("azul", client), f.GiveID(client), f.PlanErasure(due),
		f.CreatePerson(person), f.PutReset(login, reset)); err != nil {
		t.Fatal(err)
	}
	stale := int64(7) // a version that nobody saw
	listed.Version, due.Version, person.Version = stale, stale, stale
	seen := given
	seen.Version = stale
	other := reset
	other.Version = stale
	for name, change := range map[string]store.Change{
		"a prefix given again":           f.PlaceAPIKey("abc", directory.KeyPlace{Client: "cli_other", Key: "key_2"}, soon),
		"a key that is not there":        f.RemoveAPIKey("def"),
		"a client listed again":          f.ListClient(listed),
		"another entry of the list":      f.UpdateListed(listed),
		"another entry taken off":        f.Unlist(listed),
		"a slug taken again":             f.TakeSlug("azul", "cli_other"),
		"a slug that is free":            f.ReleaseSlug("verde"),
		"an id given again":              f.GiveID(client),
		"an id kept as if it were older": f.BuryID(given),
		"another certificate":            f.BuryID(seen),
		"an erasure planned again":       f.PlanErasure(due),
		"another erasure's progress":     f.UpdateErasure(due),
		"another erasure's end":          f.EndErasure(due),
		"a login made again":             f.CreatePerson(person),
		"another login":                  f.UpdatePerson(person),
		"another login taken away":       f.DeletePerson(person),
		"a reset beside another":         f.PutReset(login, reset),
		"a reset in place of another":    f.PutReset(login, other),
		"another reset's end":            f.EndReset(login, other),
	} {
		if at, lost := store.FailedOn(f.commit(t, change)); !lost || at != 0 {
			t.Errorf("%s: it was committed, or failed on %d", name, at)
		}
	}
}
