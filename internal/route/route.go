// Package route is the one place that says what exists: the capabilities, the operations each owns, the workers and what
// wakes them. The infra app makes the API and the rules from it, the monolith mounts and subscribes from it, and
// tests hold the folders under functions/, the policies of internal/access and the OpenAPI document against it.
//
// It imports the standard library alone, and it is data: adding a capability is a folder, a package and a row here.
package route

// Capability owns a set of operations and is one function on AWS.
type Capability string

// The HTTP capabilities.
const (
	Authentication Capability = "authentication"
	Clients        Capability = "clients"
	Analysis       Capability = "analysis"
	Agents         Capability = "agents"
	Conversations  Capability = "conversations"
	Compliance     Capability = "compliance"
	Monitoring     Capability = "monitoring"
)

// Capabilities lists the HTTP capabilities.
func Capabilities() []Capability {
	return []Capability{Authentication, Clients, Analysis, Agents, Conversations, Compliance, Monitoring}
}

// Operation is one method on one path.
type Operation struct {
	ID         string // the OpenAPI operation id, the Cedar action and the audit event's action
	Method     string
	Path       string // of net/http's pattern syntax: /v1/agents/{agent_id}
	Capability Capability
	Public     bool // answers without a credential
	Repeatable bool // accepts Idempotency-Key (invariant 12)
}

// Operations lists every operation of the API.
func Operations() []Operation { return operations }

// Find returns the operation with the given id.
func Find(id string) (Operation, bool) {
	for _, o := range operations {
		if o.ID == id {
			return o, true
		}
	}
	return Operation{}, false
}

var operations = []Operation{
	{ID: "sign-in", Method: "POST", Path: "/v1/auth/sign-in", Capability: Authentication, Public: true},
	{ID: "refresh", Method: "POST", Path: "/v1/auth/refresh", Capability: Authentication, Public: true},
	{ID: "sign-out", Method: "POST", Path: "/v1/auth/sign-out", Capability: Authentication},
	{ID: "get-me", Method: "GET", Path: "/v1/auth/me", Capability: Authentication},
	{ID: "switch-client", Method: "POST", Path: "/v1/auth/switch", Capability: Authentication},
	{ID: "list-own-sessions", Method: "GET", Path: "/v1/auth/sessions", Capability: Authentication},
	{ID: "end-own-session", Method: "DELETE", Path: "/v1/auth/sessions/{session_id}", Capability: Authentication},
	{ID: "accept-invitation", Method: "POST", Path: "/v1/auth/invitations/accept", Capability: Authentication, Public: true},
	{ID: "assume-client", Method: "POST", Path: "/v1/auth/assume", Capability: Authentication},
	{ID: "get-mfa", Method: "GET", Path: "/v1/auth/mfa", Capability: Authentication},
	{ID: "enrol-totp", Method: "POST", Path: "/v1/auth/mfa/totp", Capability: Authentication},
	{ID: "confirm-totp", Method: "POST", Path: "/v1/auth/mfa/totp/confirm", Capability: Authentication},
	{ID: "remove-totp", Method: "POST", Path: "/v1/auth/mfa/totp/remove", Capability: Authentication},
	{ID: "renew-recovery-codes", Method: "POST", Path: "/v1/auth/mfa/recovery-codes", Capability: Authentication},
	{ID: "forgot-password", Method: "POST", Path: "/v1/auth/password/forgot", Capability: Authentication, Public: true},
	{ID: "reset-password", Method: "POST", Path: "/v1/auth/password/reset", Capability: Authentication, Public: true},
	{ID: "change-password", Method: "POST", Path: "/v1/auth/password/change", Capability: Authentication},
	{ID: "get-jwks", Method: "GET", Path: "/.well-known/jwks.json", Capability: Authentication, Public: true},

	{ID: "create-client", Method: "POST", Path: "/v1/clients", Capability: Clients, Repeatable: true},
	{ID: "list-clients", Method: "GET", Path: "/v1/clients", Capability: Clients},
	{ID: "get-client", Method: "GET", Path: "/v1/clients/{client_id}", Capability: Clients},
	{ID: "update-client", Method: "PATCH", Path: "/v1/clients/{client_id}", Capability: Clients, Repeatable: true},
	{ID: "suspend-client", Method: "POST", Path: "/v1/clients/{client_id}/suspend", Capability: Clients, Repeatable: true},
	{ID: "resume-client", Method: "POST", Path: "/v1/clients/{client_id}/resume", Capability: Clients, Repeatable: true},
	{ID: "offboard-client", Method: "DELETE", Path: "/v1/clients/{client_id}", Capability: Clients, Repeatable: true},
	{ID: "restore-client", Method: "POST", Path: "/v1/clients/{client_id}/restore", Capability: Clients, Repeatable: true},
	{ID: "get-erasure-certificate", Method: "GET", Path: "/v1/clients/{client_id}/certificate", Capability: Clients},
	{ID: "get-certificate-keys", Method: "GET", Path: "/.well-known/certificate-keys.json", Capability: Clients, Public: true},
	{ID: "invite-administrator", Method: "POST", Path: "/v1/clients/{client_id}/administrators", Capability: Clients, Repeatable: true},
	{ID: "get-own-client", Method: "GET", Path: "/v1/client", Capability: Clients},
	{ID: "update-own-client", Method: "PATCH", Path: "/v1/client", Capability: Clients, Repeatable: true},
	{ID: "get-settings", Method: "GET", Path: "/v1/client/settings", Capability: Clients},
	{ID: "put-settings", Method: "PUT", Path: "/v1/client/settings", Capability: Clients, Repeatable: true},
	{ID: "get-usage", Method: "GET", Path: "/v1/usage", Capability: Clients},
	{ID: "create-user", Method: "POST", Path: "/v1/users", Capability: Clients, Repeatable: true},
	{ID: "list-users", Method: "GET", Path: "/v1/users", Capability: Clients},
	{ID: "get-user", Method: "GET", Path: "/v1/users/{user_id}", Capability: Clients},
	{ID: "update-user", Method: "PATCH", Path: "/v1/users/{user_id}", Capability: Clients, Repeatable: true},
	{ID: "remove-user", Method: "DELETE", Path: "/v1/users/{user_id}", Capability: Clients, Repeatable: true},
	{ID: "resend-invitation", Method: "POST", Path: "/v1/users/{user_id}/invitation", Capability: Clients, Repeatable: true},
	{ID: "revoke-invitation", Method: "DELETE", Path: "/v1/users/{user_id}/invitation", Capability: Clients, Repeatable: true},
	{ID: "list-user-sessions", Method: "GET", Path: "/v1/users/{user_id}/sessions", Capability: Clients},
	{ID: "end-user-session", Method: "DELETE", Path: "/v1/users/{user_id}/sessions/{session_id}", Capability: Clients, Repeatable: true},
	{ID: "end-user-sessions", Method: "DELETE", Path: "/v1/users/{user_id}/sessions", Capability: Clients, Repeatable: true},
	{ID: "create-api-key", Method: "POST", Path: "/v1/api-keys", Capability: Clients, Repeatable: true},
	{ID: "list-api-keys", Method: "GET", Path: "/v1/api-keys", Capability: Clients},
	{ID: "get-api-key", Method: "GET", Path: "/v1/api-keys/{key_id}", Capability: Clients},
	{ID: "rotate-api-key", Method: "POST", Path: "/v1/api-keys/{key_id}/rotate", Capability: Clients, Repeatable: true},
	{ID: "revoke-api-key", Method: "DELETE", Path: "/v1/api-keys/{key_id}", Capability: Clients, Repeatable: true},
	{ID: "explain-access", Method: "POST", Path: "/v1/access/explain", Capability: Clients},

	{ID: "list-templates", Method: "GET", Path: "/v1/templates", Capability: Analysis},
	{ID: "get-template", Method: "GET", Path: "/v1/templates/{sector}", Capability: Analysis},
	{ID: "create-profile", Method: "POST", Path: "/v1/profiles", Capability: Analysis, Repeatable: true},
	{ID: "list-profiles", Method: "GET", Path: "/v1/profiles", Capability: Analysis},
	{ID: "get-profile", Method: "GET", Path: "/v1/profiles/{profile_id}", Capability: Analysis},
	{ID: "update-profile", Method: "PATCH", Path: "/v1/profiles/{profile_id}", Capability: Analysis, Repeatable: true},
	{ID: "delete-profile", Method: "DELETE", Path: "/v1/profiles/{profile_id}", Capability: Analysis, Repeatable: true},

	{ID: "generate-agent", Method: "POST", Path: "/v1/agents", Capability: Agents, Repeatable: true},
	{ID: "list-agents", Method: "GET", Path: "/v1/agents", Capability: Agents},
	{ID: "get-agent", Method: "GET", Path: "/v1/agents/{agent_id}", Capability: Agents},
	{ID: "update-agent", Method: "PATCH", Path: "/v1/agents/{agent_id}", Capability: Agents, Repeatable: true},
	{ID: "delete-agent", Method: "DELETE", Path: "/v1/agents/{agent_id}", Capability: Agents, Repeatable: true},
	{ID: "list-configurations", Method: "GET", Path: "/v1/agents/{agent_id}/configurations", Capability: Agents},
	{ID: "get-configuration", Method: "GET", Path: "/v1/agents/{agent_id}/configurations/{version}", Capability: Agents},
	{ID: "put-draft", Method: "PUT", Path: "/v1/agents/{agent_id}/configurations/draft", Capability: Agents, Repeatable: true},
	{ID: "publish-agent", Method: "POST", Path: "/v1/agents/{agent_id}/publish", Capability: Agents, Repeatable: true},
	{ID: "rollback-agent", Method: "POST", Path: "/v1/agents/{agent_id}/rollback", Capability: Agents, Repeatable: true},
	{ID: "add-document", Method: "POST", Path: "/v1/agents/{agent_id}/documents", Capability: Agents, Repeatable: true},
	{ID: "list-documents", Method: "GET", Path: "/v1/agents/{agent_id}/documents", Capability: Agents},
	{ID: "get-document", Method: "GET", Path: "/v1/agents/{agent_id}/documents/{document_id}", Capability: Agents},
	{ID: "delete-document", Method: "DELETE", Path: "/v1/agents/{agent_id}/documents/{document_id}", Capability: Agents, Repeatable: true},
	{ID: "search-passages", Method: "GET", Path: "/v1/agents/{agent_id}/search", Capability: Agents},

	{ID: "start-conversation", Method: "POST", Path: "/v1/agents/{agent_id}/conversations", Capability: Conversations, Repeatable: true},
	{ID: "list-conversations", Method: "GET", Path: "/v1/agents/{agent_id}/conversations", Capability: Conversations},
	{ID: "get-conversation", Method: "GET", Path: "/v1/conversations/{conversation_id}", Capability: Conversations},
	{ID: "send-message", Method: "POST", Path: "/v1/conversations/{conversation_id}/messages", Capability: Conversations, Repeatable: true},
	{ID: "list-messages", Method: "GET", Path: "/v1/conversations/{conversation_id}/messages", Capability: Conversations},
	{ID: "close-conversation", Method: "POST", Path: "/v1/conversations/{conversation_id}/close", Capability: Conversations, Repeatable: true},

	{ID: "list-audit-events", Method: "GET", Path: "/v1/audit-events", Capability: Compliance},
	{ID: "get-audit-event", Method: "GET", Path: "/v1/audit-events/{event_id}", Capability: Compliance},

	{ID: "get-health", Method: "GET", Path: "/healthz", Capability: Monitoring, Public: true},
	{ID: "get-readiness", Method: "GET", Path: "/readyz", Capability: Monitoring, Public: true},
	{ID: "get-openapi", Method: "GET", Path: "/openapi.json", Capability: Monitoring, Public: true},
	{ID: "get-docs", Method: "GET", Path: "/docs", Capability: Monitoring, Public: true},
}

// Trigger is what wakes a worker.
type Trigger string

// The triggers.
const (
	Gateway  Trigger = "gateway"  // API Gateway asks it for a verdict
	Stream   Trigger = "stream"   // the table's change stream
	Queue    Trigger = "queue"    // a queue fed by a rule on the event bus
	Schedule Trigger = "schedule" // the clock alone: every hour
	Operator Trigger = "operator" // whoever operates the deployment invokes it
)

// Worker is a function that serves no HTTP operation.
type Worker struct {
	Name    string
	Trigger Trigger
	// Pattern selects the events of a Queue worker, in EventBridge's event pattern syntax.
	Pattern string
	// Crossing workers see the items of many clients, each by its own client id (invariant 1).
	Crossing bool
	// Hourly workers run once an hour: those of a Schedule for their work, others to finish what an outage left behind.
	Hourly bool
}

// Workers lists the workers.
func Workers() []Worker {
	return []Worker{
		{Name: "authorizer", Trigger: Gateway, Crossing: true},
		{Name: "relay", Trigger: Stream, Crossing: true, Hourly: true},
		{Name: "keykeeper", Trigger: Schedule, Hourly: true},
		{Name: "eraser", Trigger: Schedule, Crossing: true, Hourly: true},
		{Name: "prover", Trigger: Operator},
		{Name: "archivist", Trigger: Queue, Crossing: true, Pattern: `{"source":[{"prefix":"nowgo."}]}`},
	}
}
