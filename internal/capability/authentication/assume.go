package authentication

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

// Assumed is what assuming a client gives: an access token for the whole of it, and nothing to refresh it with.
type Assumed struct {
	AccessToken string    `json:"access_token"`
	TokenType   string    `json:"token_type" example:"Bearer"`
	ExpiresIn   int       `json:"expires_in" doc:"Seconds that the access token lives" example:"3600"`
	ClientID    tenant.ID `json:"client_id"`
	SessionID   string    `json:"session_id"`
	ExpiresAt   time.Time `json:"expires_at"`
}

type assume struct {
	Body struct {
		ClientID tenant.ID `json:"client_id" maxLength:"64"`
		Reason   string    `json:"reason" minLength:"10" maxLength:"500" doc:"For the client's people, who read it" example:"Ticket 4711: the agent answers in the wrong language"`
		Minutes  int       `json:"minutes,omitempty" minimum:"1" maximum:"60" doc:"60 where absent"`
	}
}

func registerAssume(api *httpapi.API, users *identity.Service) {
	httpapi.Register(api, httpapi.Op{ID: "assume-client", Summary: "Work inside a client for an hour at most, with a reason",
		Errors: []int{404, 422}}, func(ctx context.Context, in *assume) (identity.Assumed, error) {
		b := in.Body
		return users.Assume(ctx, identity.Assume{Client: b.ClientID, Reason: b.Reason, Minutes: time.Duration(b.Minutes) * time.Minute})
	}, func(a identity.Assumed) httpapi.Out[Assumed] {
		return httpapi.Out[Assumed]{Body: Assumed{a.AccessToken, "Bearer", a.ExpiresIn, a.Client, a.Session, a.ExpiresAt}}
	})
}
