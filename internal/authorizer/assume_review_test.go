package authorizer_test

import (
	"testing"
	"time"

	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Whoever ends a global administrator's sessions, after a theft say, ends what was begun with one of them inside clients as well.
func TestAssumedSessionEndsWithTheOneAtHomeThatBeganIt(t *testing.T) {
	home := directory.Home(rootUser)
	for name, happens := range map[string]func(t *testing.T, w *world){
		"ended": func(t *testing.T, w *world) { w.remove(t, home, keys.Session(homeSession)) },
		"another's": func(t *testing.T, w *world) {
			w.put(t, home, keys.Session(homeSession), `{"id":"`+homeSession+`","user":"usr_eve"}`)
		},
		"not said": func(t *testing.T, w *world) {
			w.edit(t, client, keys.Session("ses_assumed"), `,"home":"`+homeSession+`"`, ``)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			header, want := w.assume(t, time.Hour)
			if p, err := w.Authorize(t.Context(), header); err != nil || p != want {
				t.Fatalf("%+v, %v", p, err)
			}
			happens(t, w)
			w.clock.Advance(authorizer.LivenessLifetime + time.Second)
			for _, authorize := range w.both() {
				_, err := authorize(t.Context(), header)
				wantFault(t, err, fault.Unauthenticated, "session_ended")
			}
		})
	}
}

// The session at home is no way into the client by itself.
func TestHomeSessionIsNotTheAssumedOne(t *testing.T) {
	w := newWorld(t)
	_, p := w.assume(t, time.Hour)
	p.Session = homeSession
	_, err := w.Authorize(t.Context(), w.header(t, tenant.Principal{Client: client, User: p.User, Role: p.Role, Session: homeSession, Assumed: true}))
	wantFault(t, err, fault.Unauthenticated, "session_ended")
}
