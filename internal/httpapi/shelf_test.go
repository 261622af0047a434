package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// shelf is a small domain on the operations of profiles: books with unique titles.
type shelf struct {
	table  store.Table
	system system.System
	runs   atomic.Int32                    // how often an operation did its work
	before func(ctx context.Context)       // called before each commit
	fail   func(ctx context.Context) error // what create does instead, where it is set
	ask    func(ctx context.Context) error // what slow does between its commits
}

type book struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Secret  string `json:"secret,omitempty"`
	Version int64  `json:"-"`
}

type bookBody struct {
	Title string `json:"title" minLength:"1" maxLength:"40"`
	Pages int    `json:"pages,omitempty" minimum:"1" maximum:"10000"`
	Tags  []struct {
		Name string `json:"name" minLength:"2"`
	} `json:"tags,omitempty"`
}

type createBook struct{ Body bookBody }

type BookID struct {
	ID string `path:"profile_id"`
}

type updateBook struct {
	BookID
	httpapi.Precondition
	Body bookBody
}

func registerShelf(a *httpapi.API, s *shelf) {
	shown := func(b book) httpapi.Out[book] { return httpapi.Out[book]{ETag: httpapi.ETag(b.Version), Body: b} }
	httpapi.Register(a, httpapi.Op{ID: "create-profile", Status: http.StatusCreated}, func(ctx context.Context, in *createBook) (book, error) {
		return s.create(ctx, in.Body.Title)
	}, func(b book) httpapi.Out[book] {
		out := shown(b)
		out.Location = "/v1/profiles/" + b.ID
		return out
	})
	httpapi.Register(a, httpapi.Op{ID: "get-profile"}, func(ctx context.Context, in *BookID) (book, error) { return s.get(ctx, in.ID) }, shown)
	httpapi.Register(a, httpapi.Op{ID: "update-profile"}, s.update, shown)
	httpapi.RegisterEmpty(a, httpapi.Op{ID: "delete-profile", Status: http.StatusNoContent}, s.remove)
	httpapi.Register(a, httpapi.Op{ID: "list-profiles"}, func(ctx context.Context, in *struct{ httpapi.PageQuery }) (httpapi.List[book], error) {
		return httpapi.Page(ctx, a, in.PageQuery, "", s.list(ctx), func(b book) book { return b })
	}, httpapi.Body[httpapi.List[book]])
	httpapi.Register(a, httpapi.Op{ID: "create-client", Status: http.StatusCreated}, func(ctx context.Context, in *createBook) (book, error) {
		return s.createIn(ctx, "cli_new", in.Body.Title)
	}, shown)
	httpapi.Register(a, httpapi.Op{ID: "generate-agent"}, s.slow, shown)
	httpapi.Register(a, httpapi.Op{ID: "add-document", Upload: true, MaxBody: 4 << 20}, func(ctx context.Context, in *upload) (upload, error) {
		idempotency.Answer(ctx, *in)
		return *in, s.commit(ctx, "cli_blue", "uploaded", store.Create(store.Item{SK: "file#" + s.system.NewID("doc")}))
	}, func(u upload) httpapi.Out[uploadBody] { return httpapi.Out[uploadBody]{Body: u.Body} })
	httpapi.Register(a, httpapi.Op{ID: "sign-in"}, func(ctx context.Context, _ *struct{}) (tenant.Principal, error) {
		return tenant.CallFrom(ctx).Principal, nil
	}, httpapi.Body[tenant.Principal])
}

type upload struct {
	AgentID string `path:"agent_id"`
	Body    uploadBody
}

type uploadBody struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Content     string `json:"content"`
}

func (s *shelf) record(ctx context.Context, client tenant.ID, what string) (audit.Record, error) {
	e, err := audit.Happened(ctx, s.system, client, audit.Fact{Capability: "test", Type: "book." + what, Target: audit.Target{Type: "book", ID: "x"}})
	return audit.Of(e), err
}

func (s *shelf) commit(ctx context.Context, client tenant.ID, what string, changes ...store.Change) error {
	rec, err := s.record(ctx, client, what)
	if err != nil {
		return err
	}
	if s.before != nil {
		s.before(ctx)
	}
	return s.table.Commit(ctx, client, rec, changes...)
}

func (s *shelf) create(ctx context.Context, title string) (book, error) {
	return s.createIn(ctx, tenant.CallFrom(ctx).Principal.Client, title)
}

func (s *shelf) createIn(ctx context.Context, client tenant.ID, title string) (book, error) {
	s.runs.Add(1)
	if s.fail != nil {
		return book{}, s.fail(ctx)
	}
	b := book{ID: s.system.NewID("pro"), Title: title, Secret: s.system.NewSecret(), Version: 1}
	it, err := store.Row(keys.Profile(b.ID), 1, b, nil)
	if err != nil {
		return book{}, err
	}
	idempotency.Answer(ctx, b)
	err = s.commit(ctx, client, "created", store.Create(store.Item{SK: "title#" + title}), store.Create(it))
	if i, ok := store.FailedOn(err); ok {
		if i > 1 {
			return book{}, errors.New("the condition of a change that is not the service's")
		}
		return book{}, fault.Wrap("shelf.create", fault.Conflict, "slug_taken", err)
	}
	return b, store.Fault("shelf.create", err)
}

func (s *shelf) get(ctx context.Context, id string) (book, error) {
	var b book
	it, err := s.table.Get(ctx, tenant.CallFrom(ctx).Principal.Client, keys.Profile(id))
	if err != nil {
		return b, store.Fault("shelf.get", err)
	}
	err = it.Read(&b, nil)
	b.Version = it.Version
	return b, err
}

func (s *shelf) update(ctx context.Context, in *updateBook) (book, error) {
	seen, err := in.Seen()
	if err != nil {
		return book{}, err
	}
	s.runs.Add(1)
	b, err := s.get(ctx, in.ID)
	if err != nil {
		return book{}, err
	}
	b.Title, b.Version = in.Body.Title, seen+1
	it, err := store.Row(keys.Profile(b.ID), 1, b, nil)
	if err != nil {
		return book{}, err
	}
	idempotency.Answer(ctx, b)
	if err := s.commit(ctx, tenant.CallFrom(ctx).Principal.Client, "updated", store.Update(it, seen)); err != nil {
		if _, ok := store.FailedOn(err); ok {
			return book{}, fault.Wrap("shelf.update", fault.PreconditionFailed, "version_mismatch", err)
		}
		return book{}, store.Fault("shelf.update", err)
	}
	return b, nil
}

func (s *shelf) remove(ctx context.Context, in *BookID) (any, error) {
	b, err := s.get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s.runs.Add(1)
	idempotency.Answer(ctx, nil)
	return nil, store.Fault("shelf.remove", s.commit(ctx, tenant.CallFrom(ctx).Principal.Client, "deleted", store.Delete(keys.Profile(b.ID), b.Version)))
}

func (s *shelf) list(ctx context.Context) func(int, string) ([]book, string, error) {
	return func(limit int, cursor string) ([]book, string, error) {
		page, err := s.table.Query(ctx, tenant.CallFrom(ctx).Principal.Client, store.Query{Prefix: keys.ProfilePrefix, Limit: limit, Cursor: cursor})
		if err != nil {
			return nil, "", store.Fault("shelf.list", err)
		}
		var books []book
		for _, it := range page.Items {
			var b book
			if err := it.Read(&b, nil); err != nil {
				return nil, "", err
			}
			books = append(books, b)
		}
		return books, page.Next, nil
	}
}

// slow commits what was asked before it knows the answer, as a conversation does, and goes on where an earlier request stopped.
func (s *shelf) slow(ctx context.Context, in *createBook) (book, error) {
	client := tenant.CallFrom(ctx).Principal.Client
	id, resumed := idempotency.Progress(ctx)
	if !resumed {
		s.runs.Add(1)
		id = s.system.NewID("pro")
		idempotency.Note(ctx, id)
		if err := s.commit(ctx, client, "asked", store.Create(store.Item{SK: "question#" + id})); err != nil {
			return book{}, store.Fault("shelf.slow", err)
		}
	}
	if s.ask != nil {
		if err := s.ask(ctx); err != nil {
			return book{}, err
		}
	}
	b := book{ID: id, Title: in.Body.Title, Version: 1}
	it, err := store.Row(keys.Profile(id), 1, b, nil)
	if err != nil {
		return book{}, err
	}
	idempotency.Answer(ctx, b)
	return b, store.Fault("shelf.slow", s.commit(ctx, client, "answered", store.Create(it)))
}
