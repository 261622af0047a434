package identity_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// ending is a way in which an administrator stops being one.
type ending struct {
	name string
	do   func(w *world, by person, id string, seen int64) error
}

func endings() []ending {
	patch := func(p identity.UserPatch) func(*world, person, string, int64) error {
		return func(w *world, by person, id string, seen int64) error {
			_, err := w.UpdateUser(by.ctx, azul, id, seen, p)
			return err
		}
	}
	return []ending{
		{"demoted", patch(identity.UserPatch{Role: ptr(tenant.AgentManager)})},
		{"disabled", patch(identity.UserPatch{Status: ptr(identity.StatusDisabled)})},
		{"removed", func(w *world, by person, id string, seen int64) error {
			return w.RemoveUser(by.ctx, azul, id, seen)
		}},
	}
}

// INVARIANT: a client that has an active administrator keeps one.
func TestTheLastAdministratorStays(t *testing.T) {
	for _, end := range endings() {
		t.Run(end.name, func(t *testing.T) {
			w := newWorld(t)
			ana := w.join(t, azul, "ana@x.example", tenant.ClientAdmin)
			w.join(t, azul, "manager@x.example", tenant.AgentManager)
			w.join(t, verde, "other@x.example", tenant.ClientAdmin)
			disabled := w.join(t, azul, "disabled@x.example", tenant.ClientAdmin)
			if _, err := w.update(ana.ctx, t, azul, disabled.id, identity.UserPatch{Status: ptr(identity.StatusDisabled)}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "invited@x.example", Name: "I"}, Role: tenant.ClientAdmin}); err != nil {
				t.Fatal(err)
			}
			before := len(w.trail(t, azul))
			wantFault(t, end.do(w, ana, ana.id, 2), fault.Conflict, "last_administrator")
			if w.administrators(t, azul) != 1 || len(w.trail(t, azul)) != before {
				t.Error("something happened all the same")
			}
			if _, err := w.Refresh(w.ctx, ana.tokens.RefreshToken); err != nil {
				t.Errorf("the last administrator's session: %v", err)
			}
			w.join(t, azul, "eva@x.example", tenant.ClientAdmin)
			if err := end.do(w, ana, ana.id, 2); err != nil {
				t.Errorf("with another one left: %v", err)
			}
		})
	}
}

// Each of two administrators takes the other away: what the slower one has read is not so any more when it commits.
func TestTwoAdministratorsCannotTakeEachOtherAway(t *testing.T) {
	for _, end := range endings() {
		for _, faster := range endings() {
			t.Run(end.name+" by whom is being "+faster.name, func(t *testing.T) {
				over := &testkit.Overtaken{}
				w := newWorld(t, func(d *identity.Deps) {
					over.Table = d.Table
					d.Table = over
				})
				ana, eva := w.join(t, azul, "ana@x.example", tenant.ClientAdmin), w.join(t, azul, "eva@x.example", tenant.ClientAdmin)
				over.Times, over.First = 1, func() {
					if err := faster.do(w, eva, ana.id, 2); err != nil {
						t.Error(err)
					}
				}
				wantFault(t, end.do(w, ana, eva.id, 2), fault.Conflict, "last_administrator")
				if n := w.administrators(t, azul); n != 1 {
					t.Errorf("%d administrators are left", n)
				}
			})
		}
	}
}

func TestAdministratorsWhoTakeEachOtherAwayAtOnceLeaveOne(t *testing.T) {
	w := newWorld(t)
	var all []person
	for i := range 4 {
		all = append(all, w.join(t, azul, fmt.Sprintf("a%d@x.example", i), tenant.ClientAdmin))
	}
	for round := range 10 {
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i, by := range all {
			next := all[(i+1)%len(all)]
			seen := w.version(t, azul, next.id)
			wg.Go(func() {
				<-start
				_, err := w.UpdateUser(by.ctx, azul, next.id, seen, identity.UserPatch{Role: ptr(tenant.StandardUser)})
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		close(start)
		wg.Wait()
		if n := w.administrators(t, azul); n < 1 {
			t.Fatalf("round %d: no administrator is left", round)
		}
		for _, p := range all {
			if _, err := w.update(w.ctx, t, azul, p.id, identity.UserPatch{Role: ptr(tenant.ClientAdmin)}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
