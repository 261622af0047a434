package authentication

import (
	"context"

	"github.com/nowgo/agents/internal/capability/session"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

type switchClient struct {
	Body struct {
		Client tenant.ID `json:"client" minLength:"1" maxLength:"64" doc:"A membership's client_id, or platform" example:"cli_k3j5n7q2w4x6y2a3b5c7d2e4f6"`
	}
}

type endSession struct {
	SessionID string `path:"session_id" maxLength:"64"`
}

func registerSessions(api *httpapi.API, users *identity.Service) {
	httpapi.Register(api, httpapi.Op{ID: "switch-client", Summary: "Start a session in another client that one belongs to",
		Description: "Takes no second sign-in. The session of the call goes on.", Errors: []int{403, 404}},
		func(ctx context.Context, in *switchClient) (identity.Tokens, error) {
			return users.Switch(ctx, in.Body.Client)
		}, tokens)
	httpapi.Register(api, httpapi.Op{ID: "list-own-sessions", Summary: "List one's own sessions in the client one is in, the newest first"},
		func(ctx context.Context, in *httpapi.PageQuery) (httpapi.List[session.Session], error) {
			return httpapi.Page(ctx, api, *in, "", func(limit int, cursor string) ([]identity.Session, string, error) {
				return users.OwnSessions(ctx, limit, cursor)
			}, session.Of)
		}, httpapi.Body[httpapi.List[session.Session]])
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "end-own-session", Summary: "End one of one's own sessions", Errors: []int{404}},
		func(ctx context.Context, in *endSession) (any, error) {
			return nil, users.EndOwnSession(ctx, in.SessionID)
		})
}
