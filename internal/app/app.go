// Package app composes the platform: one [New] for every binary and every test, given the ports that differ between
// deployments. internal/app/monolith and internal/app/function make those ports.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/capability/agents"
	"github.com/nowgo/agents/internal/capability/analysis"
	"github.com/nowgo/agents/internal/capability/authentication"
	"github.com/nowgo/agents/internal/capability/clients"
	"github.com/nowgo/agents/internal/capability/compliance"
	"github.com/nowgo/agents/internal/capability/conversations"
	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/conversation"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/llm/builtin"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/organization"
	"github.com/nowgo/agents/internal/retrieval"
	"github.com/nowgo/agents/internal/route"
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
	Mail      mail.Sender // nil: invitations answer with their token
	Keys      *identity.KeySet
	Secret    []byte // 32 bytes or more, the same in every process of the environment
	System    system.System
	Log       *slog.Logger
	PublicURL string // where people reach the platform
	Ready     func(context.Context) error
}

// App is the composed platform. It may be used concurrently.
type App struct {
	Identity   *identity.Service
	Authorizer *authorizer.Authorizer

	ports         Ports
	decider       *access.Decider
	clients       *client.Service
	profiles      *organization.Service
	agents        *agent.Service
	conversations *conversation.Service
	trail         *trail.Reader
	library       conversation.Library
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
	a := &App{ports: p, decider: decider}
	a.clients = &client.Service{Table: table, Directory: dir, System: p.System}
	signer := identity.NewSigner(p.Keys, p.System)
	a.Identity = identity.New(identity.Deps{Table: table, Directory: dir, Clients: a.clients, System: p.System,
		Signer: signer, Mailer: p.Mail, PublicURL: p.PublicURL})
	a.clients.Invitations = a.Identity
	if a.Authorizer, err = authorizer.New(authorizer.Config{Tokens: signer, Table: p.Table, System: p.System}); err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	a.profiles = &organization.Service{Table: table, System: p.System}
	a.agents = &agent.Service{Table: table, Profiles: a.profiles, Blobs: p.Blobs, Cache: p.Cache, System: p.System}
	a.library = library{&retrieval.Library{Cache: p.Cache, Source: a.agents}}
	a.conversations = &conversation.Service{Table: table, Agents: a.agents, Library: a.library, Model: builtin.New(),
		System: p.System}
	a.trail = &trail.Reader{Table: table, Directory: dir}
	return a, nil
}

// API returns the HTTP API of the given capabilities. Monitoring alone brings all others along, for it shows the document that
// describes them; the gateway leads only its own paths to it.
func (a *App) API(capabilities ...route.Capability) (*httpapi.API, error) {
	api, err := httpapi.New(httpapi.Config{Table: a.ports.Table, Access: a.decider, System: a.ports.System,
		Secret: a.ports.Secret, Log: a.ports.Log, Ready: a.ports.Ready})
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	if slices.Equal(capabilities, []route.Capability{route.Monitoring}) {
		capabilities = route.Capabilities()
	}
	for _, c := range capabilities {
		if err := a.register(api, c); err != nil {
			return nil, err
		}
	}
	return api, api.Err()
}

// Handler returns the HTTP handler of the given capabilities. The principal comes in the request's context.
func (a *App) Handler(capabilities ...route.Capability) (http.Handler, error) {
	api, err := a.API(capabilities...)
	if err != nil {
		return nil, err
	}
	return api.Handler(), nil
}

func (a *App) register(api *httpapi.API, c route.Capability) error {
	switch c {
	case route.Authentication:
		authentication.Register(api, a.Identity)
	case route.Clients:
		clients.Register(api, a.clients, a.Identity)
	case route.Analysis:
		analysis.Register(api, a.profiles)
	case route.Agents:
		agents.Register(api, a.agents, a.library)
	case route.Conversations:
		conversations.Register(api, a.conversations, a.decider)
	case route.Compliance:
		compliance.Register(api, a.trail)
	case route.Monitoring:
		httpapi.RegisterMonitoring(api)
	default:
		return errors.New("app: no such capability: " + string(c))
	}
	return nil
}
