package clients

import (
	"context"

	"github.com/nowgo/agents/internal/capability/session"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
)

type userSessions struct {
	ByUser
	httpapi.PageQuery
}

type userSession struct {
	ByUser
	SessionID string `path:"session_id" maxLength:"64"`
}

func (h handlers) registerSessions() {
	httpapi.Register(h.api, httpapi.Op{ID: "list-user-sessions", Summary: "List a user's sessions in the own client, the newest first",
		Errors: []int{404}}, func(ctx context.Context, in *userSessions) (httpapi.List[session.Session], error) {
		return httpapi.Page(ctx, h.api, in.PageQuery, "user="+in.UserID, func(limit int, cursor string) ([]identity.Session, string, error) {
			return h.users.UserSessions(ctx, own(ctx), in.UserID, limit, cursor)
		}, session.Of)
	}, httpapi.Body[httpapi.List[session.Session]])
	httpapi.RegisterEmpty(h.api, httpapi.Op{ID: "end-user-session", Summary: "End a user's session", Errors: []int{404},
		Description: "Whoever has it is out within a minute. No If-Match: it ends whatever became of it since."},
		func(ctx context.Context, in *userSession) (any, error) {
			return nil, h.users.EndUserSession(ctx, own(ctx), in.UserID, in.SessionID)
		})
	httpapi.RegisterEmpty(h.api, httpapi.Op{ID: "end-user-sessions", Summary: "End all sessions of a user in the own client",
		Description: "Whoever has one is out within a minute. The user may sign in again.", Errors: []int{404}},
		func(ctx context.Context, in *ByUser) (any, error) {
			return nil, h.users.EndSessionsOf(ctx, own(ctx), in.UserID)
		})
}
