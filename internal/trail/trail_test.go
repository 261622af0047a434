package trail_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
	"github.com/nowgo/agents/internal/trail"
)

const (
	blue  tenant.ID = "cli_blue"
	green tenant.ID = "cli_green"
)

type bench struct {
	*testkit.Kit
	*trail.Reader
}

func newBench(t *testing.T) bench {
	k := testkit.New(t)
	return bench{k, &trail.Reader{Table: k.Table, Directory: directory.New(k.Table)}}
}

// happen records that a user did something to a profile, and returns the event's id.
func (b bench) happen(t *testing.T, client tenant.ID, user, profile string, platform bool) string {
	t.Helper()
	b.Clock.Advance(time.Millisecond)
	ctx := testkit.As(t.Context(), client, user, tenant.ClientAdmin, "test")
	e, err := audit.Happened(ctx, b.System, client, audit.Fact{Capability: "test", Type: "profile.created",
		Target: audit.Target{Type: "profile", ID: profile}, Private: map[string]string{"name": "Ana"}})
	if err != nil {
		t.Fatal(err)
	}
	all := []audit.Event{e}
	if platform {
		all = append(all, directory.PlatformEvent(e))
	}
	if err := b.Kit.Table.Commit(ctx, client, audit.Of(all[0], all[1:]...)); err != nil {
		t.Fatal(err)
	}
	return e.Body.ID
}

func of(client tenant.ID) tenant.Principal {
	return tenant.Principal{Client: client, User: "usr_ana", Role: tenant.ClientAdmin}
}

var root = tenant.Principal{User: "usr_root", Role: tenant.GlobalAdmin}

// walk reads a list to its end in pages of limit.
func (b bench) walk(t *testing.T, p tenant.Principal, f trail.Filter, limit int) []string {
	t.Helper()
	var ids []string
	for cursor, pages := "", 0; ; pages++ {
		page, next, err := b.List(t.Context(), p, f, limit, cursor)
		if err != nil || len(page) > limit || pages > 20 {
			t.Fatalf("page %d: %d events, %v", pages, len(page), err)
		}
		for _, e := range page {
			ids = append(ids, e.Body.ID)
		}
		if cursor = next; cursor == "" {
			return ids
		}
	}
}

func TestList(t *testing.T) {
	b := newBench(t)
	one := b.happen(t, blue, "usr_1", "pro_1", false)
	two := b.happen(t, blue, "usr_2", "pro_1", true)
	three := b.happen(t, blue, "usr_1", "pro_2", false)
	theirs := b.happen(t, green, "usr_1", "pro_1", true)
	for name, c := range map[string]struct {
		who    tenant.Principal
		filter trail.Filter
		want   []string
	}{
		"all, the newest first": {of(blue), trail.Filter{}, []string{three, two, one}},
		"all, the oldest first": {of(blue), trail.Filter{Oldest: true}, []string{one, two, three}},
		"of an actor":           {of(blue), trail.Filter{Actor: "usr_1"}, []string{three, one}},
		"of the start of an id": {of(blue), trail.Filter{Actor: "usr_"}, nil},
		"upon a target":         {of(blue), trail.Filter{TargetType: "profile", TargetID: "pro_1", Oldest: true}, []string{one, two}},
		"upon one of a kind":    {of(blue), trail.Filter{TargetType: "agent", TargetID: "pro_1"}, nil},
		"another client's":      {of(green), trail.Filter{}, []string{theirs}},
		"of nobody":             {of("cli_none"), trail.Filter{}, nil},
		"the platform's":        {root, trail.Filter{}, []string{theirs, two}},
	} {
		t.Run(name, func(t *testing.T) {
			for limit := 1; limit <= 4; limit++ {
				if got := b.walk(t, c.who, c.filter, limit); !slices.Equal(got, c.want) {
					t.Errorf("in pages of %d: %v, not %v", limit, got, c.want)
				}
			}
		})
	}
}

func TestListRefuses(t *testing.T) {
	b := newBench(t)
	b.happen(t, blue, "usr_1", "pro_1", false)
	for name, c := range map[string]struct {
		who    tenant.Principal
		filter trail.Filter
		cursor string
		code   string
	}{
		"half a target":              {of(blue), trail.Filter{TargetType: "profile"}, "", "validation_failed"},
		"the other half":             {of(blue), trail.Filter{TargetID: "pro_1"}, "", "validation_failed"},
		"an actor and a target":      {of(blue), trail.Filter{Actor: "usr_1", TargetType: "profile", TargetID: "pro_1"}, "", "validation_failed"},
		"an actor with a NUL":        {of(blue), trail.Filter{Actor: "usr_\x00"}, "", "validation_failed"},
		"a target that is not UTF-8": {of(blue), trail.Filter{TargetType: "profile", TargetID: "\xff"}, "", "validation_failed"},
		"an id with a separator":     {of(blue), trail.Filter{Actor: "usr_1#x"}, "", "validation_failed"},
		"a target with a separator":  {of(blue), trail.Filter{TargetType: "profile#pro_1", TargetID: "x"}, "", "validation_failed"},
		"a filter of the platform's": {root, trail.Filter{Actor: "usr_1"}, "", "validation_failed"},
		"a cursor of nothing":        {of(blue), trail.Filter{}, "nonsense", "invalid_cursor"},
		"a cursor of the platform's": {root, trail.Filter{}, "nonsense", "invalid_cursor"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := b.List(t.Context(), c.who, c.filter, 10, c.cursor)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != c.code {
				t.Errorf("%v, not %s", err, c.code)
			}
		})
	}
}

func TestFiltersAreApart(t *testing.T) {
	seen := map[string]trail.Filter{}
	for _, f := range []trail.Filter{{}, {Actor: "a"}, {TargetType: "a", TargetID: "b"}, {TargetType: "a&id=b"}, {Actor: "a", Oldest: true}, {Oldest: true}} {
		if other, twice := seen[f.String()]; twice {
			t.Errorf("%+v and %+v are both %q", f, other, f.String())
		}
		seen[f.String()] = f
	}
}

func TestEvent(t *testing.T) {
	b := newBench(t)
	id := b.happen(t, blue, "usr_1", "pro_1", true)
	e, err := b.Event(context.Background(), of(blue), id)
	if err != nil || e.Body.Target.ID != "pro_1" || e.Private == nil {
		t.Errorf("%+v, %v", e, err)
	}
	for name, c := range map[string]struct {
		who tenant.Principal
		id  string
	}{
		"another client's":   {of(green), id},
		"one there is not":   {of(blue), "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
		"an impossible id":   {of(blue), "\x00"},
		"an id that is none": {of(blue), ""},
	} {
		if _, err := b.Event(t.Context(), c.who, c.id); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEventOfThePlatform(t *testing.T) {
	b := newBench(t)
	clients, platforms := b.happen(t, blue, "usr_ana", "pro_1", false), b.happen(t, blue, "usr_root", "pro_2", true)
	elsewhere, err := audit.Happened(t.Context(), b.System, directory.Home("usr_root"), audit.Fact{Capability: "test", Type: "session.started",
		Target: audit.Target{Type: "session", ID: "ses_1"}})
	if err == nil {
		err = b.Kit.Table.Commit(t.Context(), directory.Home("usr_root"), audit.Of(directory.PlatformEvent(elsewhere)))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{platforms, elsewhere.Body.ID} {
		if e, err := b.Event(t.Context(), root, id); err != nil || e.Body.ID != id {
			t.Errorf("%+v, %v", e.Body, err)
		}
	}
	if _, err := b.Event(t.Context(), root, clients); !fault.Is(err, fault.NotFound) {
		t.Errorf("a client's own event: %v", err)
	}
}
