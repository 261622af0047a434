package client_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// bench is the service over the real identities and directory.
type bench struct {
	*testkit.Kit
	*client.Service
	users *identity.Service
	root  context.Context // a global administrator's call
}

func newBench(t *testing.T) bench {
	t.Helper()
	k := testkit.New(t)
	dir := directory.New(k.Table)
	b := bench{Kit: k, Service: &client.Service{Table: k.Table, Directory: dir, System: k.System},
		root: testkit.As(t.Context(), "", "usr_root", tenant.GlobalAdmin, "test")}
	document, err := identity.GenerateKeys(k.System)
	if err != nil {
		t.Fatal(err)
	}
	set, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	b.users = identity.New(identity.Deps{Table: k.Table, Directory: dir, Clients: b.Service, System: k.System,
		Signer: identity.NewSigner(set, k.System), PublicURL: "https://nowgo.example",
		Hasher: identity.NewArgon2(identity.Params{MemoryKiB: 8, Time: 1, Threads: 1}, k.System)})
	b.Invitations = b.users
	return b
}

func onboarding(slug string) client.Onboarding {
	return client.Onboarding{Name: "Loja Azul", Slug: slug, Languages: []string{"pt-BR", "en"},
		Administrator: identity.Contact{Email: "ana@" + slug + ".example", Name: "Ana"}}
}

func (b bench) create(t *testing.T, slug string) client.Onboarded {
	t.Helper()
	made, err := b.Create(b.root, onboarding(slug))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// own returns a call of the client's administrator.
func own(t *testing.T, id tenant.ID) context.Context {
	return testkit.As(t.Context(), id, "usr_ana", tenant.ClientAdmin, "test")
}

func want(t *testing.T, what string, err error, kind fault.Kind, code string, fields ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code {
		t.Errorf("%s: %v, not %s", what, err, code)
		return
	}
	for _, field := range fields {
		if !slices.ContainsFunc(f.Fields, func(g fault.Field) bool { return g.Location == field }) {
			t.Errorf("%s: nothing about %s in %+v", what, field, f.Fields)
		}
	}
}

// trails returns the types of events in the client's trail and in the platform's, the oldest first.
func (b bench) trails(t *testing.T, id tenant.ID) (own, platform []string) {
	t.Helper()
	page, err := b.Kit.Table.Query(t.Context(), id, store.Query{Prefix: keys.EventShard(0), Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range page.Items {
		e, err := store.ItemEvent(id, it)
		if err != nil {
			t.Fatal(err)
		}
		own = append(own, e.Body.Type)
	}
	all, err := b.Directory.PlatformEvents(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(all.Items) {
		if e.Body.Target.ID == string(id) {
			platform = append(platform, e.Body.Type)
		}
	}
	return own, platform
}

func TestCreate(t *testing.T) {
	b := newBench(t)
	made := b.create(t, "loja-azul")
	if made.Client.Status != client.Active || made.Client.Version != 1 || made.Invitation.Token == "" {
		t.Errorf("made %+v", made)
	}
	if got, err := b.Client(b.root, made.Client.ID); err != nil || got.Slug != "loja-azul" || got.Version != 1 {
		t.Errorf("read %+v, %v", got, err)
	}
	settings, err := b.Settings(b.root, made.Client.ID)
	if err != nil || settings.DefaultLanguage != "pt-BR" || !slices.Equal(settings.Channels, []string{"web"}) || settings.Validate() != nil {
		t.Errorf("settings %+v, %v", settings, err)
	}
	listed, next, err := b.Clients(b.root, 10, "")
	if err != nil || next != "" || len(listed) != 1 || listed[0].ID != made.Client.ID || listed[0].Status != "active" {
		t.Errorf("listed %+v, %v", listed, err)
	}
	if _, err := b.users.Accept(t.Context(), identity.Accept{Token: made.Invitation.Token, Password: "uma frase bem comprida"}); err != nil {
		t.Errorf("the administrator's invitation: %v", err)
	}
	// INVARIANT 2: what the platform does to a client is in both trails.
	inOwn, inPlatform := b.trails(t, made.Client.ID)
	if !slices.Equal(inOwn[:2], []string{events.TypeClientCreated, events.TypeUserInvited}) || !slices.Equal(inPlatform, []string{events.TypeClientCreated}) {
		t.Errorf("trails %v and %v", inOwn, inPlatform)
	}
}

func TestASlugIsTakenOnce(t *testing.T) {
	b := newBench(t)
	b.create(t, "loja-azul")
	second := onboarding("loja-azul")
	second.Administrator.Email = "eva@outra.example"
	_, err := b.Create(b.root, second)
	want(t, "the same slug", err, fault.Conflict, "slug_taken")
	if listed, _, err := b.Clients(b.root, 10, ""); err != nil || len(listed) != 1 {
		t.Errorf("%d clients listed, %v", len(listed), err)
	}
	if page, err := b.Directory.PlatformEvents(t.Context(), 10, ""); err != nil || len(page.Items) != 2 { // client.created, user.invited
		t.Errorf("the refused one left %d events, %v", len(page.Items)-2, err)
	}
}

func TestWhatCannotBeAClient(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		change func(*client.Onboarding)
		field  string
	}{
		"no name":               {func(o *client.Onboarding) { o.Name = "" }, "body.name"},
		"a blank name":          {func(o *client.Onboarding) { o.Name = " \u00a0 " }, "body.name"},
		"a name of two lines":   {func(o *client.Onboarding) { o.Name = "Loja\r\nBcc: x@x.example" }, "body.name"},
		"a name with a NUL":     {func(o *client.Onboarding) { o.Name = "Loja\x00" }, "body.name"},
		"a name without an end": {func(o *client.Onboarding) { o.Name = string(make([]byte, 121)) }, "body.name"},
		"a capital":             {func(o *client.Onboarding) { o.Slug = "Loja" }, "body.slug"},
		"a Cyrillic letter":     {func(o *client.Onboarding) { o.Slug = "lоja" }, "body.slug"},
		"two hyphens":           {func(o *client.Onboarding) { o.Slug = "a--b" }, "body.slug"},
		"a hyphen at the end":   {func(o *client.Onboarding) { o.Slug = "ab-" }, "body.slug"},
		"no language":           {func(o *client.Onboarding) { o.Languages = nil }, "body.languages"},
		"a language twice":      {func(o *client.Onboarding) { o.Languages = []string{"en", "en"} }, "body.languages[1]"},
		"an unknown language":   {func(o *client.Onboarding) { o.Languages = []string{"fr"} }, "body.languages[0]"},
		"nobody's address":      {func(o *client.Onboarding) { o.Administrator.Email = "nobody" }, "body.email"},
	} {
		t.Run(name, func(t *testing.T) {
			in := onboarding("loja-azul")
			c.change(&in)
			_, err := b.Create(b.root, in)
			want(t, name, err, fault.Invalid, "validation_failed", c.field)
		})
	}
	if listed, _, err := b.Clients(b.root, 10, ""); err != nil || len(listed) != 0 {
		t.Errorf("listed %+v, %v", listed, err)
	}
}

func TestRename(t *testing.T) {
	b := newBench(t)
	id := b.create(t, "loja-azul").Client.ID
	c, err := b.Rename(own(t, id), id, 1, "Loja Verde")
	if err != nil || c.Name != "Loja Verde" || c.Version != 2 || c.Slug != "loja-azul" {
		t.Fatalf("%+v, %v", c, err)
	}
	_, err = b.Rename(own(t, id), id, 1, "Loja Preta")
	want(t, "a stale version", err, fault.PreconditionFailed, "version_mismatch")
	_, err = b.Rename(own(t, id), id, 2, "a\nb")
	want(t, "two lines", err, fault.Invalid, "validation_failed", "body.name")
	_, err = b.Rename(b.root, "cli_none", 1, "X")
	want(t, "no such client", err, fault.NotFound, "client_not_found")
	if listed, _, err := b.Clients(b.root, 10, ""); err != nil || listed[0].Name != "Loja Verde" {
		t.Errorf("the list has %+v, %v", listed, err)
	}
	inOwn, inPlatform := b.trails(t, id)
	if inOwn[len(inOwn)-1] != events.TypeClientUpdated || len(inPlatform) != 1 {
		t.Errorf("what the client does itself is in its own trail: %v and %v", inOwn, inPlatform)
	}
}

func TestSuspendAndResume(t *testing.T) {
	b := newBench(t)
	id := b.create(t, "loja-azul").Client.ID
	for _, c := range []struct {
		to      client.Status
		version int64
	}{{client.Active, 1}, {client.Suspended, 2}, {client.Suspended, 2}, {client.Active, 3}} {
		got, err := b.SetStatus(b.root, id, 0, c.to)
		if err != nil || got.Status != c.to || got.Version != c.version {
			t.Errorf("to %s: %+v, %v", c.to, got, err)
		}
		if status, err := b.Status(b.root, id); err != nil || status != string(c.to) {
			t.Errorf("status %q, %v", status, err)
		}
	}
	_, err := b.SetStatus(b.root, id, 1, client.Suspended)
	want(t, "a stale version", err, fault.PreconditionFailed, "version_mismatch")
	_, err = b.SetStatus(b.root, "cli_none", 0, client.Suspended)
	want(t, "no such client", err, fault.NotFound, "client_not_found")
	both := []string{events.TypeClientSuspended, events.TypeClientResumed}
	inOwn, inPlatform := b.trails(t, id)
	if !slices.Equal(inOwn[len(inOwn)-2:], both) || !slices.Equal(inPlatform[1:], both) {
		t.Errorf("trails %v and %v", inOwn, inPlatform)
	}
}

// INVARIANT 13: who suspends without naming a version is not told of a wrong one.
func TestSuspendingIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		times int
		seen  int64
		kind  fault.Kind
		code  string
	}{
		"overtaken twice":            {2, 0, 0, ""},
		"always overtaken":           {1 << 20, 0, fault.Unavailable, "busy"},
		"overtaken, a version named": {1, 1, fault.PreconditionFailed, "version_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			id := b.create(t, "loja-azul").Client.ID
			s := *b.Service
			s.Table = &testkit.Overtaken{Table: b.Kit.Table, Times: c.times, First: func() {
				now, err := b.Client(b.root, id)
				if err == nil {
					_, err = b.Rename(b.root, id, now.Version, now.Name+"x")
				}
				if err != nil {
					t.Fatal(err)
				}
			}}
			got, err := s.SetStatus(b.root, id, c.seen, client.Suspended)
			if c.code != "" {
				want(t, name, err, c.kind, c.code)
			} else if err != nil || got.Status != client.Suspended || got.Name != "Loja Azulxx" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	b := newBench(t)
	id := b.create(t, "loja-azul").Client.ID
	if plan, err := b.Plan(t.Context(), id); plan != "standard" || err != nil {
		t.Errorf("a client of whom no plan was said has %q, %v", plan, err)
	}
	business, unknown, name := "business", "free", "Loja Verde"
	c, err := b.Update(b.root, id, 1, client.Patch{Name: &name, Plan: &business})
	if err != nil || c.Plan != business || c.Name != name || c.Version != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = b.Update(b.root, id, 2, client.Patch{Name: &name, Plan: &business}); err != nil || c.Version != 2 {
		t.Errorf("nothing to change: %+v, %v", c, err)
	}
	starter := "starter"
	if c, err = b.Update(b.root, id, 2, client.Patch{Plan: &starter}); err != nil || c.Plan != starter || c.Version != 3 || c.Name != name {
		t.Errorf("the plan alone: %+v, %v", c, err)
	}
	_, err = b.Update(b.root, id, 3, client.Patch{Plan: &unknown})
	want(t, "no such plan", err, fault.Invalid, "validation_failed", "body.plan")
	_, err = b.Update(b.root, id, 1, client.Patch{Plan: &business})
	want(t, "a stale version", err, fault.PreconditionFailed, "version_mismatch")
	in := onboarding("loja-preta")
	in.Plan = "starter"
	made, err := b.Create(b.root, in)
	if err != nil || made.Client.Plan != "starter" {
		t.Errorf("%+v, %v", made.Client, err)
	}
	in = onboarding("loja-rosa")
	in.Plan = unknown
	_, err = b.Create(b.root, in)
	want(t, "created with no such plan", err, fault.Invalid, "validation_failed", "body.plan")
	inOwn, inPlatform := b.trails(t, id)
	if inOwn[len(inOwn)-1] != events.TypeClientUpdated || inPlatform[len(inPlatform)-1] != events.TypeClientUpdated {
		t.Errorf("who changes a plan is in both trails: %v and %v", inOwn, inPlatform)
	}
}
