package app

import (
	"github.com/nowgo/agents/internal/capability/agents"
	"github.com/nowgo/agents/internal/capability/analysis"
	"github.com/nowgo/agents/internal/capability/authentication"
	"github.com/nowgo/agents/internal/capability/clients"
	"github.com/nowgo/agents/internal/capability/compliance"
	"github.com/nowgo/agents/internal/capability/conversations"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/route"
)

// Part registers the operations of one capability. A binary links the parts that it names and no others, which matters: each
// operation brings some 30 KB of Huma's generic code.
type Part func(*App, *httpapi.API)

// Authentication is the part of route.Authentication.
func Authentication(a *App, api *httpapi.API) { authentication.Register(api, a.Identity, a.decider) }

// Clients is the part of route.Clients.
func Clients(a *App, api *httpapi.API) {
	clients.Register(api, a.clients, a.Identity, a.certificates, a.budgets)
	clients.RegisterExplain(api, a.Identity, a.decider, things{a})
}

// Analysis is the part of route.Analysis.
func Analysis(a *App, api *httpapi.API) { analysis.Register(api, a.profiles) }

// Agents is the part of route.Agents.
func Agents(a *App, api *httpapi.API) { agents.Register(api, a.agents, a.library) }

// Conversations is the part of route.Conversations.
func Conversations(a *App, api *httpapi.API) { conversations.Register(api, a.conversations) }

// Compliance is the part of route.Compliance.
func Compliance(a *App, api *httpapi.API) { compliance.Register(api, a.trail) }

// Monitoring is the part of route.Monitoring. Its document describes the operations of the API that it is registered on: a
// function that shows the whole document registers [All].
func Monitoring(_ *App, api *httpapi.API) { httpapi.RegisterMonitoring(api) }

// All returns the parts of every capability, in the order of route.Capabilities.
func All() []Part {
	of := map[route.Capability]Part{route.Authentication: Authentication, route.Clients: Clients, route.Analysis: Analysis,
		route.Agents: Agents, route.Conversations: Conversations, route.Compliance: Compliance, route.Monitoring: Monitoring}
	parts := make([]Part, 0, len(of))
	for _, c := range route.Capabilities() {
		parts = append(parts, of[c])
	}
	return parts
}
