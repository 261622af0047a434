package identity

import (
	"time"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/mailtext"
	"github.com/nowgo/agents/internal/tenant"
)

// invitationMail returns the mail that invites a user into the named client.
func invitationMail(u User, client, url string, expires time.Time) *mail.Message {
	write := mailtext.Invitation
	if u.Role == tenant.ClientAdmin {
		write = mailtext.AdministratorInvitation
	}
	m := write(mailtext.To{Email: u.Email, Name: u.Name, Language: u.language}, mailtext.Invited{Client: client, URL: url, Expires: expires})
	return &m
}
