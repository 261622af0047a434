package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// testEvents is invariants 2 and 3.
func testEvents(t *testing.T, open func() *scene) {
	cases{
		"a change without its event is refused": func(t *testing.T, s *scene) {
			for _, r := range []audit.Record{{}, audit.Of(audit.Event{}), audit.Of(s.event(s.client), audit.Event{Partition: s.client})} {
				wantError(t, s.Table.Commit(t.Context(), s.client, r, store.Create(item("k"))), audit.ErrEmpty)
			}
			s.wantAbsent(t, "k")
			s.wantEvents(t, 0)
		},
		"events come back as they were recorded, by time, target and actor": func(t *testing.T, s *scene) {
			first, second := s.event(s.client), s.event(s.client)
			first.Body.Change = json.RawMessage(`{"n": 1, "text":"é"}`)
			first.Private = &audit.Private{Salt: "c2FsdA", Values: json.RawMessage(`{"email":"ana@lojaazul.example"}`)}
			first.Body.PrivateCommitment = first.Private.Commitment()
			second.Body.Target.ID, second.Body.Actor.ID = "thg_2", ""
			err := s.Table.Commit(t.Context(), s.client, audit.Of(first, second), store.Create(item("k")))
			if err != nil {
				t.Fatal(err)
			}
			s.wantEvents(t, 2)
			s.wantEvent(t, first)
			s.wantEvent(t, second)
			s.wantKeys(t, store.Query{Index: store.ByParent, Prefix: keys.EventTargets("thing", "thg_1")}, keys.Event(0, first.Body.ID))
			s.wantKeys(t, store.Query{Index: store.ByActor, Prefix: "actor#"}, keys.Event(0, first.Body.ID))
			for _, it := range s.walk(t, store.Query{Index: store.ByParent, Prefix: "target#", Limit: 9}) {
				if e, err := store.ItemEvent(s.client, it); err != nil || e.Private != nil {
					t.Errorf("the private part is in the index: %+v, %v", e.Private, err)
				}
			}
		},
		"an event can not be written over by another event": func(t *testing.T, s *scene) {
			e := s.event(s.client)
			s.mustCommitOf(t, e)
			forged := e
			forged.Body.Type = "thing.forged"
			err := s.Table.Commit(t.Context(), s.client, audit.Of(s.event(s.client), forged), store.Create(item("k")))
			wantCondition(t, err, 2, keys.Event(0, e.Body.ID))
			s.wantAbsent(t, "k")
			s.wantEvent(t, e)
			s.wantEvents(t, 1)
		},
		"an event can not be changed, deleted or made by a change": func(t *testing.T, s *scene) {
			e := s.event(s.client)
			s.mustCommitOf(t, e)
			sk := keys.Event(0, e.Body.ID)
			for _, c := range []store.Change{store.Update(item(sk), 1), store.Delete(sk, 1), store.Create(item("event#00#X")), store.Create(item("event#"))} {
				wantError(t, s.commit(c), store.ErrBadKey)
			}
			s.wantEvent(t, e)
			s.wantEvents(t, 1)
		},
		"one event twice in a record is refused": func(t *testing.T, s *scene) {
			e := s.event(s.client)
			wantError(t, s.Table.Commit(t.Context(), s.client, audit.Of(e, e)), store.ErrBadKey)
			s.wantEvents(t, 0)
		},
		"an act of the platform upon a client is in both trails": func(t *testing.T, s *scene) {
			platform := &scene{Fixture: s.Fixture, sys: s.sys, client: tenant.ID("$platform#" + s.sys.NewSecret())}
			own, theirs := s.event(s.client), s.event(platform.client)
			if err := s.Table.Commit(t.Context(), s.client, audit.Of(own, theirs), store.Create(item("k"))); err != nil {
				t.Fatal(err)
			}
			s.wantEvent(t, own)
			platform.wantEvent(t, theirs)
			s.wantEvents(t, 1)
			platform.wantEvents(t, 1)
		},
		"events outlive everything": func(t *testing.T, s *scene) {
			e := s.event(s.client)
			s.mustCommitOf(t, e)
			s.Clock.Advance(20 * 365 * 24 * 3600 * 1e9)
			s.wantEvent(t, e)
		},
	}.run(t, open)
}

func (s *scene) wantEvent(t *testing.T, want audit.Event) {
	t.Helper()
	it, err := s.Table.Get(context.Background(), s.client, keys.Event(0, want.Body.ID))
	if err != nil {
		t.Errorf("event %s: %v", want.Body.ID, err)
		return
	}
	got, err := store.ItemEvent(s.client, it)
	if g, w := encode(got), encode(want); err != nil || g != w {
		t.Errorf("event, %v\n got %s\nwant %s", err, g, w)
	}
}

func encode(e audit.Event) string {
	body, err1 := json.Marshal(e.Body)
	private, err2 := json.Marshal(e.Private)
	if err := errors.Join(err1, err2); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %s %s", e.Partition, e.Capability, body, private)
}
