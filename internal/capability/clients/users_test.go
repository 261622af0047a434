package clients

import (
	"context"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// outbox keeps the subject of the mail that was sent last.
type outbox struct{ subject string }

func (o *outbox) Send(_ context.Context, m mail.Message) error {
	o.subject = m.Subject
	return nil
}

func TestInvitationsSpeakTheClientsDefaultLanguage(t *testing.T) {
	k, sent := testkit.New(t), &outbox{}
	dir := directory.New(k.Table)
	h := handlers{clients: &client.Service{Table: k.Table, Directory: dir, System: k.System}}
	h.users = identity.New(identity.Deps{Table: k.Table, Directory: dir, Clients: h.clients, System: k.System, Mailer: sent})
	h.clients.Invitations = h.users
	made, err := h.clients.Create(testkit.As(t.Context(), "", "usr_root", tenant.GlobalAdmin, "create-client"), client.Onboarding{
		Name: "Loja Azul", Slug: "loja-azul", Languages: []string{"pt-BR", "en"},
		Administrator: identity.Contact{Email: "ana@loja.example", Name: "Ana"}})
	if err != nil || !strings.HasPrefix(sent.subject, "Convite") {
		t.Fatalf("%q, %v", sent.subject, err)
	}
	ctx := testkit.As(t.Context(), made.Client.ID, "usr_1", tenant.ClientAdmin, "create-user")
	if _, err := h.clients.PutSettings(ctx, made.Client.ID, 1, client.Settings{Languages: []string{"en"}, DefaultLanguage: "en",
		Channels: []string{"web"}, TimeZone: "Europe/Lisbon"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ email, language, subject string }{{"rui@loja.example", "", "Invitation"}, {"eva@loja.example", "pt-BR", "Convite"}} {
		var in invite
		in.Body.Email, in.Body.Name, in.Body.Role, in.Body.Language = c.email, "P", tenant.StandardUser, c.language
		if _, err := h.invite(ctx, &in); err != nil || !strings.HasPrefix(sent.subject, c.subject) {
			t.Errorf("language %q: %q, %v", c.language, sent.subject, err)
		}
	}
}
