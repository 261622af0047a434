package identity

import (
	"testing"

	"github.com/nowgo/agents/internal/tenant"
)

// InvitationParts are what an invitation's token is made of.
type InvitationParts struct {
	Client tenant.ID
	ID     string
	Secret string
}

// GuessInvitation returns a token that somebody makes up of another.
func GuessInvitation(t *testing.T, token string, change func(*InvitationParts)) string {
	t.Helper()
	i, err := parseInvitationToken(token)
	if err != nil {
		t.Fatal(err)
	}
	p := InvitationParts{i.client, i.id, i.secret}
	change(&p)
	return invitationToken{client: p.Client, id: p.ID, secret: p.Secret}.String()
}
