package client_test

import (
	"slices"
	"testing"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

func TestPutSettings(t *testing.T) {
	b := newBench(t)
	id := b.create(t, "loja-azul").Client.ID
	ctx := own(t, id)
	before, err := b.Settings(ctx, id)
	if err != nil || before.Version != 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	equal, err := b.PutSettings(ctx, id, 1, before)
	if events, _ := b.trails(t, id); err != nil || equal.Version != 1 || slices.Contains(events, "settings.updated") {
		t.Errorf("the same again: %+v, %v, %v", equal, err, events)
	}
	next := client.Settings{Languages: []string{"en", "pt-BR"}, DefaultLanguage: "en", Channels: []string{}, TimeZone: "Etc/GMT+3"}
	put, err := b.PutSettings(ctx, id, 1, next)
	if err != nil || put.Version != 2 || put.DefaultLanguage != "en" || put.UpdatedAt != b.Clock.Now() {
		t.Errorf("%+v, %v", put, err)
	}
	if read, err := b.Settings(ctx, id); err != nil || read.Version != 2 || read.TimeZone != "Etc/GMT+3" || len(read.Channels) != 0 {
		t.Errorf("read %+v, %v", read, err)
	}
	if events, _ := b.trails(t, id); events[len(events)-1] != "settings.updated" {
		t.Errorf("trail %v", events)
	}
	_, err = b.PutSettings(ctx, id, 1, before)
	want(t, "a stale version", err, fault.PreconditionFailed, "version_mismatch")
	_, err = b.PutSettings(ctx, "cli_none", 1, next)
	want(t, "no such client", err, fault.NotFound, "client_not_found")
}

func TestSecondFactorRoles(t *testing.T) {
	b := newBench(t)
	id := b.create(t, "loja-azul").Client.ID
	ctx := own(t, id)
	next, err := b.Settings(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	roles := func() []tenant.Role {
		t.Helper()
		got, err := b.SecondFactorRoles(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := roles(); len(got) != 0 {
		t.Errorf("a new client asks it of %v", got)
	}
	next.SecondFactorRoles = []tenant.Role{tenant.ClientAdmin, tenant.StandardUser}
	if next, err = b.PutSettings(ctx, id, next.Version, next); err != nil || !slices.Equal(roles(), []tenant.Role{tenant.ClientAdmin, tenant.StandardUser}) {
		t.Errorf("%v, %v", roles(), err)
	}
	if events, _ := b.trails(t, id); events[len(events)-1] != "settings.updated" {
		t.Errorf("trail %v", events)
	}
	next.SecondFactorRoles, next.TimeZone = nil, "UTC" // from a page that knows nothing of them
	if next, err = b.PutSettings(ctx, id, next.Version, next); err != nil || len(roles()) != 2 || len(next.SecondFactorRoles) != 2 {
		t.Errorf("%v, %v", roles(), err)
	}
	next.SecondFactorRoles = []tenant.Role{}
	if _, err = b.PutSettings(ctx, id, next.Version, next); err != nil || len(roles()) != 0 {
		t.Errorf("%v, %v", roles(), err)
	}
	_, err = b.SecondFactorRoles(ctx, "cli_none")
	want(t, "no such client", err, fault.NotFound, "client_not_found")
}

func TestSettingsThatCannotBe(t *testing.T) {
	b := newBench(t)
	id := b.create(t, "loja-azul").Client.ID
	for name, c := range map[string]struct {
		settings client.Settings
		field    string
	}{
		"no language":                 {client.Settings{DefaultLanguage: "en", TimeZone: "UTC"}, "body.languages"},
		"a default beside the others": {client.Settings{Languages: []string{"en"}, DefaultLanguage: "pt-BR", TimeZone: "UTC"}, "body.default_language"},
		"a channel twice":             {client.Settings{Languages: []string{"en"}, DefaultLanguage: "en", Channels: []string{"web", "web"}, TimeZone: "UTC"}, "body.channels[1]"},
		"an unknown channel":          {client.Settings{Languages: []string{"en"}, DefaultLanguage: "en", Channels: []string{"fax"}, TimeZone: "UTC"}, "body.channels[0]"},
		"no time zone":                {client.Settings{Languages: []string{"en"}, DefaultLanguage: "en"}, "body.time_zone"},
		"a role twice": {client.Settings{Languages: []string{"en"}, DefaultLanguage: "en", TimeZone: "UTC",
			SecondFactorRoles: []tenant.Role{tenant.ClientAdmin, tenant.ClientAdmin}}, "body.second_factor_roles[1]"},
		"a role of no client": {client.Settings{Languages: []string{"en"}, DefaultLanguage: "en", TimeZone: "UTC",
			SecondFactorRoles: []tenant.Role{tenant.GlobalAdmin}}, "body.second_factor_roles[0]"},
		"a path as a time zone": {client.Settings{Languages: []string{"en"}, DefaultLanguage: "en", TimeZone: "../../etc/passwd"}, "body.time_zone"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.PutSettings(own(t, id), id, 1, c.settings)
			want(t, name, err, fault.Invalid, "validation_failed", c.field)
		})
	}
	if read, err := b.Settings(own(t, id), id); err != nil || read.Version != 1 {
		t.Errorf("read %+v, %v", read, err)
	}
}

// INVARIANT 13: settings that were put meanwhile stay.
func TestStaleSettingsAreRefused(t *testing.T) {
	b := newBench(t)
	id := b.create(t, "loja-azul").Client.ID
	ctx := own(t, id)
	faster, err := b.Settings(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	slower := faster
	faster.DefaultLanguage, slower.TimeZone = "en", "Etc/GMT+3"
	racing := *b.Service
	racing.Table = &testkit.Overtaken{Table: b.Kit.Table, Times: 1, First: func() {
		if _, err := b.PutSettings(ctx, id, 1, faster); err != nil {
			t.Fatal(err)
		}
	}}
	_, err = racing.PutSettings(ctx, id, 1, slower)
	want(t, "put meanwhile", err, fault.PreconditionFailed, "version_mismatch")
	if now, err := b.Settings(ctx, id); err != nil || now.Version != 2 || now.DefaultLanguage != "en" || now.TimeZone != "America/Sao_Paulo" {
		t.Errorf("%+v, %v", now, err)
	}
}
