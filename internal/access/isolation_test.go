package access_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// drawn draws a principal of a client, whatever its role, its limits and its powers.
func drawn(t *rapid.T, client tenant.ID) tenant.Principal {
	users := []string{"usr_1", "usr_2", "key_1"}
	roles := []tenant.Role{tenant.ClientAdmin, tenant.AgentManager, tenant.StandardUser}
	p := tenant.Principal{Client: client, User: rapid.SampledFrom(users).Draw(t, "user"), Role: rapid.SampledFrom(roles).Draw(t, "role"),
		Restricted: rapid.Bool().Draw(t, "restricted"), Assumed: rapid.Bool().Draw(t, "assumed")}
	p.Within = tenant.NamesOf(rapid.SliceOfN(rapid.SampledFrom([]string{"agt_1", "agt_2", "pro_1", "pro_2"}), 0, 3).Draw(t, "within")...)
	p.Scopes = tenant.NamesOf(rapid.SliceOfN(operation(), 0, 5).Draw(t, "scopes")...)
	return p
}

func operation() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return rapid.SampledFrom(route.Operations()).Draw(t, "operation").ID })
}

func resource(d *access.Decider, op string) *rapid.Generator[access.Resource] {
	return rapid.Custom(func(t *rapid.T) access.Resource {
		id := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
		return access.Resource{Type: id("type", "", "Client", "Profile", "Agent", "Conversation", d.Kind(op)), ID: id("id", "", "agt_1", "pro_1", "cnv_1"),
			Owner: id("owner", "", "usr_1", "usr_2", "key_1"), Agent: id("agent", "", "agt_1", "agt_2", "agt_3"),
			Profile: id("profile", "", "pro_1", "pro_2", "pro_3"), Client: tenant.ID(id("client", "", "cli_a", "cli_b"))}
	})
}

// INVARIANT 1: no principal of a client is allowed anything on what is another's, or the platform's.
func TestNoPrincipalReachesAnotherClient(t *testing.T) {
	d := newDecider(t)
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t, "cli_a")
		op := operation().Draw(t, "operation")
		r := resource(d, op).Draw(t, "resource")
		if r.Client == p.Client {
			r.Client = "cli_b"
		}
		if got := d.Decide(p, op, r); got.Allow {
			t.Fatalf("%+v may %s on %+v, by %v", p, op, r, got.Policies)
		}
		read := func() (access.Resource, error) { return r, nil }
		if got, err := d.Reaches(p, op, r, read); got.Allow || err != nil {
			t.Fatalf("%+v reaches %+v, %v", p, r, err)
		}
	})
}

// A limit only takes away: what a limited principal may do, the same one without the limit may.
func TestLimitsOnlyTakeAway(t *testing.T) {
	d := newDecider(t)
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t, "cli_a")
		op := operation().Draw(t, "operation")
		r := resource(d, op).Draw(t, "resource")
		free := tenant.Principal{Client: p.Client, User: p.User, Role: p.Role, Scopes: p.Scopes}
		if !p.Machine() {
			free.Scopes = ""
		}
		if d.Decide(p, op, r).Allow && !d.Decide(free, op, r).Allow {
			t.Fatalf("%+v may %s on %+v only because of its limits", p, op, r)
		}
	})
}

// Reaches answers as Decide does of the thing that was read, and reads only for those whose answer depends on it.
func TestReachesAgreesWithDecide(t *testing.T) {
	d := newDecider(t)
	var upon []string
	for _, op := range route.Operations() {
		if kind := d.Kind(op.ID); kind == "Agent" || kind == "Conversation" {
			upon = append(upon, op.ID)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t, "cli_a")
		op := rapid.SampledFrom(upon).Draw(t, "operation")
		r := resource(d, op).Draw(t, "resource")
		r.Type = d.Kind(op)
		r.Profile = rapid.SampledFrom([]string{"pro_1", "pro_2", "pro_3"}).Draw(t, "its profile")
		unread, reads := r, 0
		unread.Profile = ""
		got, err := d.Reaches(p, op, unread, func() (access.Resource, error) {
			reads++
			return r, nil
		})
		if want := d.Decide(p, op, r).Allow; err != nil || got.Allow != want {
			t.Fatalf("%+v, %s, %+v: reaches %+v, decided %v, %v", p, op, r, got, want, err)
		}
		named := slices.ContainsFunc(p.Within.List(), func(n string) bool { return n[:4] == "pro_" })
		if reads > 0 && !named {
			t.Fatalf("%+v was read for %+v, who is limited to no profile", r, p)
		}
	})
}

// Whoever is limited to a profile reaches its agents alone, once they are read.
func TestReachesReadsForThoseWhoAreLimitedToProfiles(t *testing.T) {
	d := newDecider(t)
	for _, c := range []struct {
		within      tenant.Names
		profile     string
		want        bool
		reads       int
		description string
	}{
		{"", "pro_2", true, 0, "no limit"},
		{"pro_1", "pro_1", true, 1, "its profile is named"},
		{"pro_1", "pro_2", false, 1, "another profile is named"},
		{"agt_1", "pro_2", true, 0, "the agent is named"},
		{"agt_2", "pro_2", false, 0, "another agent is named"},
		{"agt_2 pro_1", "pro_1", true, 1, "another agent and its profile are named"},
	} {
		p, reads := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.AgentManager, Within: c.within}, 0
		r := access.Resource{Type: "Agent", ID: "agt_1", Client: "cli_a"}
		got, err := d.Reaches(p, "get-agent", r, func() (access.Resource, error) {
			reads++
			r.Profile = c.profile
			return r, nil
		})
		if err != nil || got.Allow != c.want || reads != c.reads {
			t.Errorf("%s: %+v after %d reads, %v", c.description, got, reads, err)
		}
	}
}
