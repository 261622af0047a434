package client

import (
	"cmp"
	"context"
	"errors"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const capability = "clients"

// Invitations is what a new client needs of the identities: its administrator's invitation, prepared for the client's own
// commit and delivered after it.
type Invitations interface {
	// PrepareInvitation returns the changes and events of an invitation. Errors: Invalid, Conflict `user_exists`.
	PrepareInvitation(ctx context.Context, client tenant.ID, in identity.InviteInput) (identity.Prepared, error)
	// Deliver sends the prepared mail, if there is one.
	Deliver(ctx context.Context, client tenant.ID, p identity.Prepared) error
}

// Service keeps clients and their settings. It may be used concurrently.
type Service struct {
	Table       store.Table
	Directory   *directory.Directory
	Invitations Invitations
	System      system.System
}

// Create brings a client into being with its settings, its place in the platform's list, and its administrator's
// invitation. Errors: Invalid, Conflict `slug_taken`.
func (s *Service) Create(ctx context.Context, in Onboarding) (Onboarded, error) {
	const op = "client.Create"
	if err := in.Validate(); err != nil {
		return Onboarded{}, err
	}
	now := s.System.Now()
	c := Client{ID: tenant.ID(s.System.NewID("cli")), Name: in.Name, Slug: in.Slug, Status: Active, Languages: in.Languages,
		Plan: cmp.Or(in.Plan, quota.Default), CreatedAt: now, UpdatedAt: now, Version: 1}
	created, err := s.happened(ctx, c.ID, audit.Fact{Type: "client.created", Change: events.ClientCreated{Slug: c.Slug,
		Languages: c.Languages, Plan: c.Plan}})
	if err != nil {
		return Onboarded{}, store.Fault(op, err)
	}
	prepared, err := s.Invitations.PrepareInvitation(ctx, c.ID, identity.InviteInput{Contact: in.Administrator, Role: tenant.ClientAdmin, Language: in.Languages[0], ClientName: c.Name})
	if err != nil {
		return Onboarded{}, err
	}
	settings := Settings{Languages: in.Languages, DefaultLanguage: in.Languages[0], Channels: []string{"web"},
		TimeZone: "America/Sao_Paulo", UpdatedAt: now}
	rows, err := newRows(c, settings)
	if err != nil {
		return Onboarded{}, store.Fault(op, err)
	}
	changes := append([]store.Change{s.Directory.TakeSlug(c.Slug, c.ID), s.Directory.ListClient(entry(c, 0)), s.Directory.GiveID(c.ID)}, rows...)
	out := Onboarded{Client: c, Invitation: prepared.Invitation}
	idempotency.Answer(ctx, out)
	err = s.Table.Commit(ctx, c.ID, audit.Of(created[0], append(created[1:], prepared.Events...)...),
		append(changes, prepared.Changes...)...)
	if i, failed := store.FailedOn(err); failed && i == 0 {
		return Onboarded{}, fault.Wrap(op, fault.Conflict, "slug_taken", err)
	}
	if err != nil {
		return Onboarded{}, store.Fault(op, err)
	}
	return out, s.Invitations.Deliver(ctx, c.ID, prepared)
}

func newRows(c Client, settings Settings) ([]store.Change, error) {
	row, err := c.item()
	if err != nil {
		return nil, err
	}
	settingsRow, err := settings.item()
	if err != nil {
		return nil, err
	}
	return []store.Change{store.Create(row), store.Create(settingsRow)}, nil
}

func entry(c Client, version int64) directory.Listed {
	return directory.Listed{ID: c.ID, Name: c.Name, Slug: c.Slug, Status: string(c.Status), CreatedAt: c.CreatedAt,
		Version: version}
}

// Client returns a client. Errors: NotFound.
func (s *Service) Client(ctx context.Context, client tenant.ID) (Client, error) {
	const op = "client.Client"
	if _, err := tenant.Parse(string(client)); err != nil {
		return Client{}, fault.Wrap(op, fault.NotFound, "client_not_found", err)
	}
	it, err := s.Table.Get(ctx, client, keys.Client)
	if errors.Is(err, store.ErrNotFound) {
		return Client{}, fault.Wrap(op, fault.NotFound, "client_not_found", err)
	}
	if err != nil {
		return Client{}, store.Fault(op, err)
	}
	return clientOf(it)
}

// Status returns a client's status. Errors: NotFound.
func (s *Service) Status(ctx context.Context, client tenant.ID) (string, error) {
	c, err := s.Client(ctx, client)
	return string(c.Status), err
}

// Clients returns a page of the platform's list of clients, and the cursor of the next.
func (s *Service) Clients(ctx context.Context, limit int, cursor string) ([]directory.Listed, string, error) {
	page, err := s.Directory.Clients(ctx, limit, cursor)
	return page.Items, page.Next, store.Fault("client.Clients", err)
}

// SetStatus suspends or resumes a client; one that is so already stays as it is. Where seen is not 0 the client must be at
// that version. Errors: NotFound, PreconditionFailed (with a version seen), Conflict
// `client_leaving`, Unavailable.
func (s *Service) SetStatus(ctx context.Context, client tenant.ID, seen int64, to Status) (Client, error) {
	const op = "client.SetStatus"
	return s.act(ctx, op, client, seen, func(c Client) (step, error) {
		if c.Status == to {
			return step{Client: c}, nil
		}
		if c.leaving() {
			return step{}, fault.New(op, fault.Conflict, "client_leaving")
		}
		c.Status = to
		if to == Active {
			return step{c, "client.resumed", events.ClientResumed{Version: c.Version + 1}, nil}, nil
		}
		return step{c, "client.suspended", events.ClientSuspended{Version: c.Version + 1}, nil}, nil
	})
}

// step is a client as it is to be, still at the version at which it was read, and the event that says so. Without a kind it stays as it is.
type step struct {
	Client
	kind    string
	payload any
	more    []store.Change // of the same commit
}

// act changes a client that is read for it, and returns it at its new version. Where seen is not 0 the client must be at that version.
// INVARIANT 13: who names no version cannot have a wrong one, so where another change comes between, next is asked again.
func (s *Service) act(ctx context.Context, op string, client tenant.ID, seen int64, next func(Client) (step, error)) (Client, error) {
	for try := 1; ; try++ {
		c, err := s.Client(ctx, client)
		if err != nil {
			return Client{}, err
		}
		if seen != 0 && seen != c.Version {
			return Client{}, fault.New(op, fault.PreconditionFailed, "version_mismatch")
		}
		st, err := next(c)
		if err != nil {
			return Client{}, err
		}
		if st.kind == "" {
			return c, nil
		}
		c, err = s.update(ctx, op, st.Client, st.kind, st.payload, st.more...)
		if seen != 0 || !fault.Is(err, fault.PreconditionFailed) {
			return c, err
		}
		if !store.Again(ctx, try) {
			return Client{}, fault.Wrap(op, fault.Unavailable, "busy", err)
		}
	}
}

// update commits a client that was read at c.Version together with its entry in the platform's list, and returns it at its new
// version. More are changes of the same commit.
func (s *Service) update(ctx context.Context, op string, c Client, kind string, payload any, more ...store.Change) (Client, error) {
	seen := c.Version
	c.Version, c.UpdatedAt = seen+1, s.System.Now()
	row, err := c.item()
	if err != nil {
		return Client{}, store.Fault(op, err)
	}
	listed, err := s.Directory.Listed(ctx, c.ID, c.CreatedAt)
	if err != nil {
		return Client{}, store.Fault(op, err)
	}
	idempotency.Answer(ctx, c)
	changes := append([]store.Change{store.Update(row, seen), s.Directory.UpdateListed(entry(c, listed.Version))}, more...)
	err = s.commit(ctx, c.ID, audit.Fact{Type: kind, Change: payload}, changes...)
	if _, failed := store.FailedOn(err); failed {
		return Client{}, fault.Wrap(op, fault.PreconditionFailed, "version_mismatch", err)
	}
	return c, store.Fault(op, err)
}

// commit makes the changes and records the fact.
func (s *Service) commit(ctx context.Context, client tenant.ID, f audit.Fact, changes ...store.Change) error {
	happened, err := s.happened(ctx, client, f)
	if err != nil {
		return err
	}
	return s.Table.Commit(ctx, client, audit.Of(happened[0], happened[1:]...), changes...)
}

// happened returns the fact's event for the client's trail and, where a global administrator did it, the same for the platform's.
func (s *Service) happened(ctx context.Context, client tenant.ID, f audit.Fact) ([]audit.Event, error) {
	f.Capability = capability
	if f.Target.ID == "" {
		f.Target = audit.Target{Type: "client", ID: string(client)}
	}
	e, err := audit.Happened(ctx, s.System, client, f)
	if err != nil {
		return nil, err
	}
	if tenant.CallFrom(ctx).Principal.Role == tenant.GlobalAdmin {
		return []audit.Event{e, directory.PlatformEvent(e)}, nil
	}
	return []audit.Event{e}, nil
}
