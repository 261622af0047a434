package organization_test

import (
	"testing"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/organization"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const client tenant.ID = "cli_blue"

func profile() organization.Profile {
	return organization.Profile{Name: "Loja Azul", Industry: "retail", Size: organization.Size{Employees: 120},
		Metrics: []organization.Metric{{Key: "first_response", Name: "First response", Unit: "minutes", Direction: organization.Down,
			Baseline: 30, Target: 5, Current: 30}}}
}

func wantKind(t *testing.T, err error, kind fault.Kind, what string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v, not of kind %d", what, err, kind)
	}
}

func TestProfileIsValidated(t *testing.T) {
	for name, break_ := range map[string]func(*organization.Profile){
		"no name":            func(p *organization.Profile) { p.Name = "" },
		"unknown industry":   func(p *organization.Profile) { p.Industry = "piracy" },
		"nobody works there": func(p *organization.Profile) { p.Size.Employees = 0 },
		"metric twice":       func(p *organization.Profile) { p.Metrics = append(p.Metrics, p.Metrics[0]) },
		"metric key":         func(p *organization.Profile) { p.Metrics[0].Key = "First Response" },
		"metric direction":   func(p *organization.Profile) { p.Metrics[0].Direction = "sideways" },
	} {
		p := profile()
		break_(&p)
		if err := p.Validate(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := profile().Validate(); err != nil {
		t.Error(err)
	}
}

func TestProfileLife(t *testing.T) {
	k := testkit.New(t)
	s := &organization.Service{Table: k.Table, System: k.System}
	ctx := testkit.As(t.Context(), client, "usr_1", tenant.AgentManager, "create-profile")
	p, err := s.CreateProfile(ctx, client, profile())
	if err != nil {
		t.Fatal(err)
	}
	name := "Loja Azul Sul"
	changed, err := s.UpdateProfile(ctx, client, p.ID, 1, organization.Patch{Name: &name})
	if err != nil || changed.Version != 2 || changed.Name != name || changed.Industry != "retail" {
		t.Fatalf("update: %+v, %v", changed, err)
	}
	_, err = s.UpdateProfile(ctx, client, p.ID, 1, organization.Patch{Name: &name})
	wantKind(t, err, fault.PreconditionFailed, "a stale update (invariant 13)")
	_, err = s.UpdateProfile(ctx, client, p.ID, 2, organization.Patch{})
	wantKind(t, err, fault.Invalid, "an update of nothing")
	_, err = s.Profile(ctx, "cli_green", p.ID)
	wantKind(t, err, fault.NotFound, "another client's read (invariant 1)")
	events, err := k.Table.Query(ctx, client, store.Query{Prefix: keys.EventPrefix, Limit: 10})
	if err != nil || len(events.Items) != 2 {
		t.Errorf("%d events of two changes (invariant 2), %v", len(events.Items), err)
	}
}

func TestProfileWithAgentsStays(t *testing.T) {
	k := testkit.New(t)
	s := &organization.Service{Table: k.Table, System: k.System}
	ctx := testkit.As(t.Context(), client, "usr_1", tenant.AgentManager, "create-profile")
	p, err := s.CreateProfile(ctx, client, profile())
	if err != nil {
		t.Fatal(err)
	}
	count, _, err := s.CountAgents(ctx, client, p.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Table.Commit(ctx, client, testkit.Record(ctx, t, k.System, client), count); err != nil {
		t.Fatal(err)
	}
	wantKind(t, s.DeleteProfile(ctx, client, p.ID, 2), fault.Conflict, "deleting a profile with an agent")
	count, _, err = s.CountAgents(ctx, client, p.ID, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Table.Commit(ctx, client, testkit.Record(ctx, t, k.System, client), count); err != nil {
		t.Fatal(err)
	}
	wantKind(t, s.DeleteProfile(ctx, client, p.ID, 2), fault.PreconditionFailed, "a stale deletion")
	if err := s.DeleteProfile(ctx, client, p.ID, 3); err != nil {
		t.Error(err)
	}
	_, err = s.Profile(ctx, client, p.ID)
	wantKind(t, err, fault.NotFound, "reading it afterwards")
}

// INVARIANT 13: a change that was right when the profile was read, and is stale by the commit, is refused; what was faster stays.
func TestStaleChangesOfAProfileAreRefused(t *testing.T) {
	k := testkit.New(t)
	s := &organization.Service{Table: k.Table, System: k.System}
	ctx := testkit.As(t.Context(), client, "usr_1", tenant.AgentManager, "update-profile")
	p, err := s.CreateProfile(ctx, client, profile())
	if err != nil {
		t.Fatal(err)
	}
	// An agent is generated for the profile meanwhile.
	racing := &organization.Service{System: k.System, Table: &testkit.Overtaken{Table: k.Table, Times: 2, First: func() {
		count, _, err := s.CountAgents(ctx, client, p.ID, 1)
		if err == nil {
			err = k.Table.Commit(ctx, client, testkit.Record(ctx, t, k.System, client), count)
		}
		if err != nil {
			t.Fatal(err)
		}
	}}}
	wantKind(t, racing.DeleteProfile(ctx, client, p.ID, 1), fault.PreconditionFailed, "deleting it")
	name := "Loja Verde"
	_, err = racing.UpdateProfile(ctx, client, p.ID, 2, organization.Patch{Name: &name})
	wantKind(t, err, fault.PreconditionFailed, "renaming it")
	stale, _, err := s.CountAgents(ctx, client, p.ID, 1)
	if err == nil {
		_, err = s.UpdateProfile(ctx, client, p.ID, 3, organization.Patch{Name: &name})
	}
	if err != nil {
		t.Fatal(err)
	}
	err = k.Table.Commit(ctx, client, testkit.Record(ctx, t, k.System, client), stale)
	if _, lost := store.FailedOn(err); !lost {
		t.Errorf("counting another agent of what was renamed meanwhile: %v", err)
	}
	if now, err := s.Profile(ctx, client, p.ID); err != nil || now.Agents != 2 || now.Name != name || now.Version != 4 {
		t.Errorf("%+v, %v", now, err)
	}
}
