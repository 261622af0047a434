// Package app composes the platform: one [New] for every binary and every test, given the ports that differ between
// deployments. internal/app/monolith and internal/app/function make those ports.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/conversation"
	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/erasure"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/llm/builtin"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/organization"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/retrieval"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/trail"
)

// Ports is what differs between deployments.
type Ports struct {
	Table     store.Table
	Blobs     blob.Store
	Cache     cache.Cache
	Meter     cache.Meter
	RateShare float64         // the part of every rate that this process gives out, where the meter is its own; 0: 1, all of it
	Envelope  envelope.Sealer // of secrets that must be read again; nil where none is
	Mail      mail.Sender     // nil: invitations answer with their token
	Keys      identity.Keys   // nil where no token is issued or verified
	Secret    []byte          // 32 bytes or more, the same in every process of the environment; nil where nothing is served
	System    system.System
	Log       *slog.Logger
	PublicURL string // where people reach the platform
	Ready     func(context.Context) error
}

// App is the composed platform. It may be used concurrently.
type App struct {
	Identity   *identity.Service
	Authorizer *authorizer.Authorizer
	Denials    *denial.Recorder

	ports         Ports
	decider       *access.Decider
	clients       *client.Service
	profiles      *organization.Service
	agents        *agent.Service
	conversations *conversation.Service
	trail         *trail.Reader
	library       conversation.Library
	limiter       *quota.Limiter
	budgets       *quota.Budgets
	certificates  *erasure.Signer // nil where nothing is served
}

// New composes the services over the ports. It fails where what is embedded in the binary is broken.
func New(p Ports) (*App, error) {
	decider, err := access.New()
	if err != nil {
		return nil, fmt.Errorf("app: policies: %w", err)
	}
	if err := organization.LoadTemplates(); err != nil {
		return nil, fmt.Errorf("app: templates: %w", err)
	}
	table := idempotency.Table(p.Table)
	dir := directory.New(table)
	a := &App{ports: p, decider: decider, Denials: denial.New(p.Table, p.System, p.Log)}
	a.clients = &client.Service{Table: table, Directory: dir, System: p.System}
	if p.Keys == nil {
		p.Keys = new(identity.KeySet) // knows no key: it refuses every token
	}
	signer := identity.NewSigner(p.Keys, p.System)
	a.Identity = identity.New(identity.Deps{Table: table, Directory: dir, Clients: a.clients, System: p.System,
		Signer: signer, Mailer: p.Mail, Envelope: p.Envelope, PublicURL: p.PublicURL, KeyMay: a.keyMay, ClientName: a.clientName, Log: p.Log,
		Meter: p.Meter, Refused: a.Denials.Refused})
	a.clients.Invitations = a.Identity
	if a.Authorizer, err = authorizer.New(authorizer.Config{Tokens: signer, Table: p.Table, System: p.System, Log: p.Log}); err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	a.profiles = &organization.Service{Table: table, System: p.System}
	a.agents = &agent.Service{Table: table, Profiles: a.profiles, Blobs: p.Blobs, Cache: p.Cache, System: p.System}
	a.library = library{&retrieval.Library{Cache: p.Cache, Source: a.agents}}
	if a.limiter, a.budgets, err = p.limits(a.clients); err != nil {
		return nil, err
	}
	a.conversations = &conversation.Service{Table: table, Agents: a.agents, Library: a.library, Model: builtin.New(),
		Budget: a.budgets, System: p.System}
	a.trail = &trail.Reader{Table: table, Directory: dir}
	if p.Secret != nil {
		if a.certificates, err = erasure.NewSigner(p.Secret); err != nil {
			return nil, fmt.Errorf("app: %w", err)
		}
	}
	return a, nil
}

// API returns the HTTP API of the given parts.
func (a *App) API(parts ...Part) (*httpapi.API, error) {
	api, err := httpapi.New(httpapi.Config{Table: a.ports.Table, Access: a.decider, System: a.ports.System,
		Secret: a.ports.Secret, Log: a.ports.Log, Limits: a.limiter, Ready: a.ports.Ready, Denials: a.Denials})
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	for _, register := range parts {
		register(a, api)
	}
	return api, api.Err()
}

// Handler returns the HTTP handler of the given parts. The principal comes in the request's context.
func (a *App) Handler(parts ...Part) (http.Handler, error) {
	api, err := a.API(parts...)
	if err != nil {
		return nil, err
	}
	return api.Handler(), nil
}
